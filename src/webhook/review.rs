//! `AdmissionReview` requests of `admission.k8s.io/v1`, borrowed from the body.
//!
//! kube's own types cost three to seven times as much to parse, and lose the uid of a review whose object
//! is malformed; here the uid is recovered, so that the answer is one the API server accepts.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::placement::json::{Node, Object, Raw, read};

/// The version that is served.
pub const API_VERSION: &str = "admission.k8s.io/v1";
/// The kind of every body.
pub const KIND: &str = "AdmissionReview";

/// The attributes of one admission request, with `O` for its objects (`k8s.io/api/admission/v1`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a, O> {
    /// Identifies this call; the answer must repeat it.
    #[serde(borrow)]
    pub uid: Cow<'a, str>,
    /// What the object is.
    #[serde(borrow, default)]
    pub kind: GroupVersionKind<'a>,
    #[serde(borrow)]
    resource: Option<Raw<'a>>,
    /// Such as `eviction`; empty for the object itself.
    #[serde(borrow, default)]
    pub sub_resource: Cow<'a, str>,
    #[serde(borrow)]
    request_kind: Option<Raw<'a>>,
    #[serde(borrow)]
    request_resource: Option<Raw<'a>>,
    #[serde(borrow, default)]
    request_sub_resource: Cow<'a, str>,
    /// The name, empty where the API server makes one (`generateName`).
    #[serde(borrow, default)]
    pub name: Cow<'a, str>,
    /// The namespace.
    #[serde(borrow, default)]
    pub namespace: Cow<'a, str>,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    #[serde(borrow, default)]
    pub operation: Cow<'a, str>,
    #[serde(borrow)]
    user_info: Option<Raw<'a>>,
    /// The object, `null` for DELETE.
    pub object: O,
    /// The object before the change, `null` for CREATE.
    #[serde(borrow)]
    pub old_object: Option<Raw<'a>>,
    #[serde(default)]
    dry_run: Option<bool>,
    #[serde(borrow)]
    options: Option<Raw<'a>>,
}

/// A kind with its group and version.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(expecting = "a group, version and kind")]
pub struct GroupVersionKind<'a> {
    /// Empty for the core group.
    #[serde(borrow, default)]
    pub group: Cow<'a, str>,
    /// Such as `v1`.
    #[serde(borrow, default)]
    pub version: Cow<'a, str>,
    /// Such as `Pod`.
    #[serde(borrow, default)]
    pub kind: Cow<'a, str>,
}

/// What a body holds.
#[derive(Debug)]
pub enum Parsed<'a, O> {
    /// A review.
    Review(Box<Request<'a, O>>),
    /// A review that can be answered but not understood.
    Malformed(Malformed<'a>),
}

/// A review of which only the uid is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed<'a> {
    /// The uid.
    pub uid: Cow<'a, str>,
    /// What is wrong, with line and column of the body.
    pub error: String,
}

/// A body that is no review at all: there is nobody to answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAReview {
    /// Not text.
    #[error("the body is not UTF-8 at byte {0}; send an AdmissionReview as application/json")]
    NotUtf8(usize),
    /// Not JSON, or JSON of another shape.
    #[error("the body is not an AdmissionReview: {0}")]
    Malformed(String),
    /// Another API version, such as `admission.k8s.io/v1beta1`.
    #[error(
        "{kind} of {api_version} is not served: set admissionReviewVersions: [v1] in the webhook configuration"
    )]
    Version {
        /// What was sent.
        api_version: String,
        /// What was sent.
        kind: String,
    },
    /// A response was sent, or nothing.
    #[error("the AdmissionReview has no request with a uid")]
    NoRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[serde(bound(deserialize = "R: Deserialize<'de> + Named"))]
struct Envelope<'a, R> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    request: Option<Keyed<R>>,
}

#[derive(Deserialize)]
struct OnlyUid<'a> {
    #[serde(borrow)]
    uid: Cow<'a, str>,
}

/// A struct from an object alone: what serde derives would take a list of its values, too, and so a uid from where nobody
/// else sees one.
struct Keyed<T>(T);

/// What a struct is called where something else stands in its place.
trait Named {
    const NAME: &'static str;
}

struct KeyedVisitor<T>(PhantomData<T>);

/// Reads the review in `body`.
///
/// # Errors
/// There is no review to answer.
pub fn parse<'a, O: Deserialize<'a>>(body: &'a [u8]) -> Result<Parsed<'a, O>, NotAReview> {
    let text =
        std::str::from_utf8(body).map_err(|error| NotAReview::NotUtf8(error.valid_up_to()))?;
    match read::<Keyed<Envelope<'a, Request<'a, O>>>>(text) {
        Ok(Keyed(envelope)) => open(envelope, |request| Parsed::Review(Box::new(request))),
        Err(error) => {
            let shape = |_| NotAReview::Malformed(error.to_string());
            let Keyed(envelope): Keyed<Envelope<'a, OnlyUid<'a>>> =
                serde_json::from_str(text).map_err(shape)?;
            open(envelope, |request| {
                Parsed::Malformed(Malformed {
                    uid: request.uid,
                    error: error.to_string(),
                })
            })
        }
    }
}

/// The uid in `body`, for a log line about a review that could not be handled.
pub fn uid(body: &[u8]) -> Option<Cow<'_, str>> {
    let Keyed(envelope): Keyed<Envelope<'_, OnlyUid<'_>>> = serde_json::from_slice(body).ok()?;
    envelope.request.map(|Keyed(request)| request.uid)
}

fn open<'a, R, P>(envelope: Envelope<'a, R>, then: impl FnOnce(R) -> P) -> Result<P, NotAReview> {
    let Envelope {
        api_version,
        kind,
        request,
    } = envelope;
    if api_version.is_empty() || kind.is_empty() {
        return Err(NotAReview::Malformed(
            "it has no apiVersion or no kind".to_owned(),
        ));
    }
    if api_version != API_VERSION || kind != KIND {
        let (api_version, kind) = (api_version.into_owned(), kind.into_owned());
        return Err(NotAReview::Version { api_version, kind });
    }
    let request = request.map(|Keyed(request)| request);
    request.map(then).ok_or(NotAReview::NoRequest)
}

// === impl Keyed ===

impl<R> Named for Envelope<'_, R> {
    const NAME: &'static str = "an AdmissionReview";
}

impl<O> Named for Request<'_, O> {
    const NAME: &'static str = "the request of an AdmissionReview";
}

impl Named for OnlyUid<'_> {
    const NAME: &'static str = "the request of an AdmissionReview";
}

impl<'de, T: Deserialize<'de> + Named> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeyedVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de> + Named> Visitor<'de> for KeyedVisitor<T> {
    type Value = Keyed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Keyed<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Keyed)
    }
}

// === impl Request ===

impl<O> Request<'_, O> {
    /// Whether the object will not be stored.
    pub fn dry_run(&self) -> bool {
        self.dry_run.unwrap_or_default()
    }

    /// The request as expressions see it: the fields of `request` in Kubernetes' admission policies,
    /// parsed only where they are read.
    pub fn as_object(&self) -> Object<'_> {
        let mut object = Object::default();
        let texts = [
            ("subResource", &self.sub_resource),
            ("requestSubResource", &self.request_sub_resource),
            ("name", &self.name),
            ("namespace", &self.namespace),
            ("operation", &self.operation),
        ];
        for (key, text) in texts {
            object.insert(key, Node::string(Cow::Borrowed(text)));
        }
        let raws = [
            ("resource", self.resource),
            ("requestKind", self.request_kind),
            ("requestResource", self.request_resource),
            ("userInfo", self.user_info),
            ("options", self.options),
        ];
        for (key, raw) in raws {
            object.insert(key, raw.map_or_else(Node::null, Node::raw));
        }
        object.insert("kind", self.kind.as_node());
        object.insert("dryRun", Node::bool(self.dry_run()));
        object
    }
}

// === impl GroupVersionKind ===

impl GroupVersionKind<'_> {
    fn as_node(&self) -> Node<'_> {
        let mut object = Object::default();
        for (key, text) in [
            ("group", &self.group),
            ("version", &self.version),
            ("kind", &self.kind),
        ] {
            object.insert(key, Node::string(Cow::Borrowed(text)));
        }
        Node::object(object)
    }
}

impl fmt::Display for GroupVersionKind<'_> {
    /// `Pod v1`, `AuthorizationPolicy security.istio.io/v1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.group.is_empty() { "" } else { "/" };
        write!(f, "{} {}{slash}{}", self.kind, self.group, self.version)
    }
}
