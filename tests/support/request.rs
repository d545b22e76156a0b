//! Requests to the API server as JSON, with the warnings of its replies.

use http::{Method, Request};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// What the API server replied.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    /// The texts of its `Warning` headers.
    pub(crate) warnings: Vec<String>,
    pub(crate) body: Value,
}

/// The path of the Pods of `namespace`.
pub(crate) fn pods(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods")
}

/// The path of the AuthorizationPolicies of `namespace`.
pub(crate) fn policies(namespace: &str) -> String {
    format!("/apis/security.istio.io/v1/namespaces/{namespace}/authorizationpolicies")
}

/// A Pod that any namespace admits (Pod Security `restricted`), with `metadata` added.
pub(crate) fn pod(name: &str, metadata: &Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "app",
                "image": "registry.example.com/app:1",
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    });
    merge(&mut pod["metadata"], metadata);
    pod
}

/// An AuthorizationPolicy.
pub(crate) fn policy(name: &str, metadata: &Value, spec: &Value) -> Value {
    let mut policy = json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": name},
        "spec": spec,
    });
    merge(&mut policy["metadata"], metadata);
    policy
}

/// Whether the condition `Ready` of a node or Pod holds.
pub(crate) fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions.is_some_and(|conditions| {
        conditions
            .iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    })
}

/// The members of `more`, those of objects one by one, put into `into`.
pub(crate) fn merge(into: &mut Value, more: &Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more.clone(),
    }
}

/// Who sends requests to the API server.
#[derive(Clone)]
pub(crate) struct Requests(pub(crate) Client);

impl Requests {
    /// `POST`: creates.
    pub(crate) async fn post(&self, path: &str, object: &Value) -> Reply {
        self.send(Method::POST, path, "application/json", object)
            .await
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, "application/json", &Value::Null)
            .await
    }

    /// `PATCH` with a merge patch.
    pub(crate) async fn patch(&self, path: &str, patch: &Value) -> Reply {
        let media_type = "application/merge-patch+json";
        self.send(Method::PATCH, path, media_type, patch).await
    }

    /// `PATCH` as `kubectl apply --server-side` does.
    pub(crate) async fn server_side_apply(&self, path: &str, object: &Value) -> Reply {
        let path = format!("{path}?fieldManager=e2e&force=true");
        let media_type = "application/apply-patch+yaml";
        self.send(Method::PATCH, &path, media_type, object).await
    }

    /// `DELETE`.
    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, "application/json", &json!({}))
            .await
    }

    /// Sends one request; what the API server replies is the caller's to judge.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        content: &Value,
    ) -> Reply {
        let reply = self.try_send(method, path, content_type, content).await;
        reply.unwrap()
    }

    /// [`Self::send`] where there may be no reply.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        content: &Value,
    ) -> Result<Reply, kube::Error> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .body(Body::from(content.to_string().into_bytes()))
            .unwrap();
        let response = self.0.send(request).await?;
        let warnings = response
            .headers()
            .get_all("warning")
            .iter()
            .map(|value| warning(value.as_bytes()))
            .collect();
        let code = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
        Ok(Reply {
            code,
            warnings,
            body: serde_json::from_slice(&body).unwrap_or_else(|_| text()),
        })
    }
}

/// The text in `299 - "text"`.
fn warning(header: &[u8]) -> String {
    let header = String::from_utf8_lossy(header);
    let quoted = header.trim_start_matches("299 - ").trim();
    let text = quoted.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    text.unwrap_or(quoted)
        .replace("\\\"", "\"")
        .replace("\\\\", "\\")
}

// === impl Reply ===

impl Reply {
    /// The object, when it was stored or would be.
    pub(crate) fn created(&self) -> &Value {
        assert!(matches!(self.code, 200 | 201), "{self:#?}");
        &self.body
    }

    /// The labels of the created object.
    pub(crate) fn labels(&self) -> &Value {
        &self.created()["metadata"]["labels"]
    }

    /// An annotation of the created object.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.created()["metadata"]["annotations"][key].as_str()
    }

    /// The message of a refusal.
    pub(crate) fn refused(&self) -> &str {
        assert_eq!(self.code, 403, "{self:#?}");
        self.body["message"].as_str().unwrap()
    }

    /// Whether a warning has `part` in it.
    pub(crate) fn warns_of(&self, part: &str) -> bool {
        self.warnings.iter().any(|warning| warning.contains(part))
    }
}
