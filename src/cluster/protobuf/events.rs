//! The bytes of an answer in protobuf to JSON: events of a watch, one a line, or one object.

use bytes::{Buf, Bytes, BytesMut};
use prost::Message;
use serde::Serialize;

use super::message::{Object, Status, TypeMeta, Unknown, WatchEvent};

/// An answer that is being read.
#[derive(Debug)]
pub(super) struct Answer {
    form: Form,
    /// What was read of the event that is not whole yet, or of the object.
    rest: BytesMut,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// Those of a watch: the length of each in four bytes, and then it (`NewLengthDelimitedFrameReader` of
    /// `k8s.io/apimachinery/pkg/util/framer`).
    Events,
    /// An object alone: an error.
    Object,
}

/// Why an answer cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Malformed {
    /// The API server stores no object that is nearly as large.
    #[error("an event of {0} bytes, and at most {MAX} are read")]
    TooLong(usize),
    /// Something is no message of Kubernetes' API.
    #[error("no protobuf of the Kubernetes API: {0}")]
    Message(#[from] prost::DecodeError),
    /// An object does not begin as it should.
    #[error("an object without the prefix k8s")]
    NoPrefix,
    /// The answer ends within an event.
    #[error("the answer ends within an event, after {0} bytes of it")]
    CutOff(usize),
    /// JSON could not be written.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// An event, as the API server writes it in JSON.
#[derive(Serialize)]
struct Event<'e> {
    #[serde(rename = "type")]
    kind: &'e str,
    object: Typed,
}

#[derive(Serialize)]
struct Typed {
    #[serde(flatten)]
    type_meta: TypeMeta,
    #[serde(flatten)]
    content: Content,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content {
    Object(Box<Object>),
    Status(Status),
}

/// The length of an event.
const LENGTH: usize = size_of::<u32>();
/// An object has at most 3 MiB in etcd as it comes from a request.
const MAX: usize = 64 << 20;
/// What an object in protobuf begins with (`runtime/serializer/protobuf`).
const PREFIX: &[u8] = b"k8s\0";

// === impl Answer ===

impl Answer {
    /// The answer to a watch.
    pub(super) fn events() -> Self {
        Self::of(Form::Events)
    }

    /// Another answer.
    pub(super) fn object() -> Self {
        Self::of(Form::Object)
    }

    fn of(form: Form) -> Self {
        Self {
            form,
            rest: BytesMut::new(),
        }
    }

    /// The JSON of all events that are whole with `data`.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read(&mut self, data: &[u8]) -> Result<Bytes, Malformed> {
        self.rest.extend_from_slice(data);
        let mut lines = Vec::new();
        match self.form {
            Form::Events => {
                while let Some(event) = self.next()? {
                    write(event, &mut lines)?;
                }
            }
            Form::Object if self.rest.len() > MAX => {
                return Err(Malformed::TooLong(self.rest.len()));
            }
            Form::Object => {}
        }
        Ok(lines.into())
    }

    /// The JSON of what is left when there is nothing more to read; asked again, nothing.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn end(&mut self) -> Result<Bytes, Malformed> {
        let rest = self.rest.split().freeze();
        match self.form {
            _ if rest.is_empty() => Ok(rest),
            Form::Object => Ok(serde_json::to_vec(&typed(rest)?)?.into()),
            Form::Events => Err(Malformed::CutOff(rest.len())),
        }
    }

    fn next(&mut self) -> Result<Option<Bytes>, Malformed> {
        let Some(length) = self.rest.first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX {
            return Err(Malformed::TooLong(length));
        }
        if self.rest.len() - LENGTH < length {
            return Ok(None);
        }
        self.rest.advance(LENGTH);
        Ok(Some(self.rest.split_to(length).freeze()))
    }
}

/// A line of JSON of the event.
fn write(event: Bytes, lines: &mut Vec<u8>) -> Result<(), Malformed> {
    let WatchEvent { kind, object } = WatchEvent::decode(event)?;
    let event = Event {
        kind: &kind,
        object: typed(object.unwrap_or_default().raw)?,
    };
    serde_json::to_writer(&mut *lines, &event)?;
    lines.push(b'\n');
    Ok(())
}

fn typed(mut object: Bytes) -> Result<Typed, Malformed> {
    if !object.starts_with(PREFIX) {
        return Err(Malformed::NoPrefix);
    }
    object.advance(PREFIX.len());
    let Unknown { type_meta, raw } = Unknown::decode(object)?;
    let type_meta = type_meta.unwrap_or_default();
    let content = if type_meta.kind == "Status" {
        Content::Status(Status::decode(raw)?)
    } else {
        Content::Object(Box::new(Object::decode(raw)?))
    };
    Ok(Typed { type_meta, content })
}

#[cfg(test)]
mod tests;
