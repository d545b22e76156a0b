//! Which cluster facts come from, if any.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::client::ClientBuilder;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tower::timeout::TimeoutLayer;
use tower_http::timeout::ResponseBodyTimeoutLayer;

use super::protobuf::Protobuf;

/// Whether a cluster is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Choice {
    /// Where there is one: a kubeconfig was given, or a ServiceAccount is mounted.
    Auto,
    /// Never.
    Off,
    /// It must be: without one meshmode does not start.
    Required,
}

/// What was chosen.
pub enum Connection {
    /// Nothing is asked.
    None(WhyNone),
    /// This cluster is.
    To(Box<Client>, Source),
}

/// Why no cluster is asked.
#[derive(Debug)]
pub enum WhyNone {
    /// The operator says so.
    Off,
    /// No kubeconfig was given, and this is no Pod with a ServiceAccount mounted.
    NotInACluster(InClusterError),
}

/// Where the address of a cluster is from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// The ServiceAccount that is mounted.
    ServiceAccount,
    /// This file.
    Kubeconfig(PathBuf),
}

/// A cluster, as kubectl finds it.
pub struct Found {
    /// Asks it.
    pub client: Client,
    /// The namespace of the context, or of the ServiceAccount.
    pub namespace: String,
    /// Where it is.
    pub address: String,
    /// From where it is asked.
    pub way: Way,
}

/// How often a request is sent that an API server answers with 429, 503 or 504.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tries {
    /// As often as kube does, for up to a minute: such as pages of lists.
    Many,
    /// Once: for who tries again by rules of its own, or tells what was answered.
    One,
}

/// From where a cluster is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// From one of its Pods, by the ServiceAccount that is mounted: its Services have names here.
    FromInside,
    /// From somewhere else: its Services are reached through the API server.
    FromOutside,
}

/// Why there is no connection although there should be one. kube's errors have their causes in their text.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A cluster is required.
    #[error(
        "--cluster is required, and there is neither --kubeconfig nor a ServiceAccount mounted (automountServiceAccountToken): {0}"
    )]
    NotInACluster(InClusterError),
    /// The file cannot be used.
    #[error("cannot use the kubeconfig {file}: {1}", file = .0.display())]
    Kubeconfig(PathBuf, Box<KubeconfigError>),
    /// Neither is there one where kubectl looks for it, nor is this a Pod.
    #[error(
        "cannot use the kubeconfig that KUBECONFIG names, or ~/.kube/config (--kubeconfig names another): {0}"
    )]
    NoKubeconfig(Box<KubeconfigError>),
    /// Certificates or credentials cannot be used.
    #[error("cannot use the credentials for the cluster: {0}")]
    Client(Box<kube::Error>),
}

/// For the head of an answer, and for each piece of its body. More than the server's own end of a watch (290 s): a server
/// that hangs is left then. Not kube's `read_timeout`: hyper-timeout sets its timer to now at each read, which wakes the
/// thread twice more for each event.
const READ: Duration = Duration::from_secs(300);
/// For a connection to be there.
const CONNECT: Duration = Duration::from_secs(10);

/// Finds the cluster to ask. Nothing is sent yet.
///
/// # Errors
/// One that was asked for cannot be used.
pub async fn connect(
    choice: Choice,
    kubeconfig: Option<&Path>,
) -> Result<Connection, ConnectError> {
    let (config, source) = match (choice, kubeconfig) {
        (Choice::Off, _) => return Ok(Connection::None(WhyNone::Off)),
        (Choice::Auto | Choice::Required, Some(file)) => {
            (read(file, None).await?, Source::Kubeconfig(file.to_owned()))
        }
        (Choice::Auto, None) => match Config::incluster() {
            Ok(config) => (config, Source::ServiceAccount),
            Err(error) => return Ok(Connection::None(WhyNone::NotInACluster(error))),
        },
        (Choice::Required, None) => (
            Config::incluster().map_err(ConnectError::NotInACluster)?,
            Source::ServiceAccount,
        ),
    };
    Ok(Connection::To(Box::new(client(config)?), source))
}

/// Finds the cluster that kubectl would ask. Nothing is sent yet.
///
/// `kubeconfig` is a file; without it that of `KUBECONFIG`, or `~/.kube/config`, or the ServiceAccount that
/// is mounted. `context` is one of the file's; without it the current one. `tries` is for all requests of its client.
///
/// # Errors
/// There is none, or it cannot be used.
pub async fn as_kubectl(
    kubeconfig: Option<&Path>,
    context: Option<&str>,
    tries: Tries,
) -> Result<Found, ConnectError> {
    let (mut config, way) = match kubeconfig {
        Some(file) => (read(file, context).await?, Way::FromOutside),
        None => usual(context).await?,
    };
    config.default_retry = match tries {
        Tries::Many => true,
        Tries::One => false,
    };
    let (namespace, address) = (
        config.default_namespace.clone(),
        config.cluster_url.to_string(),
    );
    Ok(Found {
        client: client(config)?,
        namespace,
        address,
        way,
    })
}

/// From where kubectl looks for it.
async fn usual(context: Option<&str>) -> Result<(Config, Way), ConnectError> {
    let wrong = |error: KubeconfigError| ConnectError::NoKubeconfig(Box::new(error));
    match (Kubeconfig::read(), context) {
        (Ok(kubeconfig), _) => {
            let config = of_context(kubeconfig, context).await.map_err(wrong)?;
            Ok((config, Way::FromOutside))
        }
        (Err(error), Some(_)) => Err(wrong(error)),
        (Err(error), None) => {
            let config = Config::incluster().map_err(|_| wrong(error))?;
            Ok((config, Way::FromInside))
        }
    }
}

async fn read(file: &Path, context: Option<&str>) -> Result<Config, ConnectError> {
    let wrong = |error: KubeconfigError| ConnectError::Kubeconfig(file.to_owned(), Box::new(error));
    let kubeconfig = Kubeconfig::read_from(file).map_err(wrong)?;
    of_context(kubeconfig, context).await.map_err(wrong)
}

async fn of_context(
    kubeconfig: Kubeconfig,
    context: Option<&str>,
) -> Result<Config, KubeconfigError> {
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    Config::from_custom_kubeconfig(kubeconfig, &options).await
}

fn client(config: Config) -> Result<Client, ConnectError> {
    let builder = ClientBuilder::try_from(patient(config))
        .map_err(|error| ConnectError::Client(Box::new(error)))?;
    let builder = builder
        .with_layer(&TimeoutLayer::new(READ))
        .with_layer(&ResponseBodyTimeoutLayer::new(READ));
    Ok(builder.with_layer(&Protobuf).build())
}

fn patient(mut config: Config) -> Config {
    config.connect_timeout = Some(CONNECT);
    let agent = concat!("meshmode/", env!("CARGO_PKG_VERSION"));
    config
        .headers
        .push((USER_AGENT, HeaderValue::from_static(agent)));
    config
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Off => "off",
            Self::Required => "required",
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceAccount => f.write_str("the ServiceAccount that is mounted"),
            Self::Kubeconfig(file) => write!(f, "the kubeconfig {}", file.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, Uri};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::Instant;

    use super::*;
    use crate::telemetry::logs::chain;

    /// Says so much, and then nothing; the connection stays. From then on no time is waited for.
    async fn hang(mut stream: TcpStream, said: &[u8]) {
        let mut request = [0; 1024];
        assert_ne!(stream.read(&mut request).await.unwrap(), 0);
        stream.write_all(said).await.unwrap();
        tokio::time::pause();
        std::future::pending().await
    }

    #[tokio::test]
    async fn a_server_that_hangs_is_left() {
        for (name, said, why) in [
            ("no head", &b""[..], "request timed out"),
            (
                "half a body",
                b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
                "data was not received within the designated timeout",
            ),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let server = async { hang(listener.accept().await.unwrap().0, said).await };
            let config = Config::new(address.parse::<Uri>().unwrap());
            let client = client(config).unwrap();
            let start = Instant::now();
            let asked = client.request_text(Request::get("/version").body(Vec::new()).unwrap());
            let error = tokio::select! {
                asked = asked => asked.unwrap_err(),
                () = server => unreachable!("{name}"),
            };
            assert!(chain(&error).contains(why), "{name}: {}", chain(&error));
            let took = start.elapsed();
            assert!(took >= READ && took < READ + CONNECT, "{name}: {took:?}");
            tokio::time::resume();
        }
    }
}
