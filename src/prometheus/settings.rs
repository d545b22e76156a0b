//! How a Prometheus is reached and asked: what flags give, and what is made of it once.
//!
//! Must not: put anything of a token, a password or a key into an error or into `Debug`.

mod error;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};
use http::uri::Scheme;
use http::{HeaderMap, Uri};

pub use self::error::SettingsError;

/// A Prometheus that is reached directly.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it is, such as `https://prometheus.example.com`; a path is kept (`/prometheus` of Mimir).
    pub url: String,
    /// A file with a token.
    pub bearer_token_file: Option<PathBuf>,
    /// A file with `user:password`.
    pub basic_auth_file: Option<PathBuf>,
    /// PEM of the CAs that may sign its certificate; without it those of the system.
    pub ca_file: Option<PathBuf>,
    /// PEM of our certificate, and its chain.
    pub client_cert_file: Option<PathBuf>,
    /// PEM of its key; it may be in the same file.
    pub client_key_file: Option<PathBuf>,
    /// The name that its certificate must have, where it is not that of the URL.
    pub tls_server_name: Option<String>,
    /// Whether its certificate is looked at.
    pub verify: Verify,
    /// How it is asked.
    pub manner: Manner,
}

/// How any Prometheus is asked, directly or through the API server. `Debug` shows names alone.
#[derive(Clone)]
pub struct Manner {
    /// Headers, by name and value, such as `X-Scope-OrgID` and a tenant.
    pub headers: Vec<(String, String)>,
    /// Parameters of each query, such as `dedup` and `true`.
    pub query_params: Vec<(String, String)>,
    /// How long one query may take.
    pub timeout: Duration,
    /// How often a query is asked again where the server is busy or the connection breaks.
    pub retries: u32,
    /// How long until the first such; it doubles.
    pub backoff: Duration,
}

/// Whether a certificate is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// It is.
    #[default]
    Yes,
    /// Whoever answers is believed; the report says so.
    No,
}

// === impl Manner ===

impl Default for Manner {
    fn default() -> Self {
        Self {
            headers: Vec::new(),
            query_params: Vec::new(),
            // As Prometheus' own limit, `--query.timeout`.
            timeout: Duration::from_secs(120),
            retries: 3,
            backoff: Duration::from_millis(500),
        }
    }
}

impl Manner {
    /// The headers of each request.
    pub(super) fn headers(&self) -> Result<HeaderMap, SettingsError> {
        let agent = concat!("meshmode/", env!("CARGO_PKG_VERSION"));
        let mut all = HeaderMap::new();
        all.insert(USER_AGENT, HeaderValue::from_static(agent));
        for (name, value) in &self.headers {
            let header = HeaderName::try_from(name.as_str()).map_err(|source| {
                SettingsError::HeaderName {
                    name: name.clone(),
                    source,
                }
            })?;
            let mut value = HeaderValue::try_from(value.as_str())
                .map_err(|_| SettingsError::HeaderValue { name: name.clone() })?;
            value.set_sensitive(true);
            all.insert(header, value);
        }
        Ok(all)
    }
}

impl fmt::Debug for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |all: &[(String, String)]| -> Vec<String> {
            all.iter().map(|(name, _)| name.clone()).collect()
        };
        f.debug_struct("Manner")
            .field("headers", &names(&self.headers))
            .field("query_params", &names(&self.query_params))
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .field("backoff", &self.backoff)
            .finish()
    }
}

// === impl Settings ===

impl Settings {
    /// Of this URL, and nothing else.
    #[must_use]
    pub fn of(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            bearer_token_file: None,
            basic_auth_file: None,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            tls_server_name: None,
            verify: Verify::Yes,
            manner: Manner::default(),
        }
    }

    /// The URL, without `/` at its end.
    pub(super) fn base(&self) -> Result<Uri, SettingsError> {
        // The authority may hold a password: it is looked at before anything is shown.
        let uri = Uri::try_from(self.url.trim()).map_err(SettingsError::NoUrl)?;
        let known = [&Scheme::HTTP, &Scheme::HTTPS];
        let authority = uri.authority().ok_or(SettingsError::NoScheme)?;
        if !uri.scheme().is_some_and(|scheme| known.contains(&scheme)) {
            return Err(SettingsError::NoScheme);
        }
        if authority.as_str().contains('@') {
            return Err(SettingsError::UserInUrl);
        }
        if uri.query().is_some() {
            return Err(SettingsError::QueryInUrl);
        }
        Ok(uri)
    }

    /// The headers of each request, with who asks.
    pub(super) fn headers(&self) -> Result<HeaderMap, SettingsError> {
        let mut all = self.manner.headers()?;
        let (flag, path, text) = match (&self.bearer_token_file, &self.basic_auth_file) {
            (None, None) => return Ok(all),
            (Some(_), Some(_)) => return Err(SettingsError::TwoCredentials),
            (Some(path), None) => {
                let flag = "--bearer-token-file";
                let token = line(flag, path)?;
                (flag, path, format!("Bearer {token}"))
            }
            (None, Some(path)) => {
                let flag = "--basic-auth-file";
                let both = line(flag, path)?;
                if !both.contains(':') {
                    return Err(wrong(flag, path, "must hold one line user:password"));
                }
                (flag, path, format!("Basic {}", STANDARD.encode(both)))
            }
        };
        let mut value = HeaderValue::try_from(text)
            .map_err(|_| wrong(flag, path, "holds characters that cannot be sent"))?;
        value.set_sensitive(true);
        all.insert(AUTHORIZATION, value);
        Ok(all)
    }
}

/// The one line of a file with a secret.
fn line(flag: &'static str, path: &Path) -> Result<String, SettingsError> {
    let bytes = read(flag, path)?;
    let text = String::from_utf8(bytes).map_err(|_| wrong(flag, path, "must be text in UTF-8"))?;
    match text.trim() {
        "" => Err(wrong(flag, path, "is empty")),
        line if line.contains('\n') => Err(wrong(flag, path, "must hold one line")),
        line => Ok(line.to_owned()),
    }
}

/// The bytes of a file.
pub(super) fn read(flag: &'static str, path: &Path) -> Result<Vec<u8>, SettingsError> {
    fs::read(path).map_err(|source| SettingsError::Unreadable {
        flag,
        path: path.to_owned(),
        source,
    })
}

fn wrong(flag: &'static str, path: &Path, what: &'static str) -> SettingsError {
    SettingsError::File {
        flag,
        path: path.to_owned(),
        what,
    }
}

#[cfg(test)]
mod tests;
