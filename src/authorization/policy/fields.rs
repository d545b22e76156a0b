//! The fields of a source and of an operation: one table each, with who can test the field.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::Text;

/// Who can test an attribute of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Layer {
    /// ztunnel can, and every other enforcer.
    L4,
    /// Only a proxy that reads HTTP: a waypoint, a sidecar, a gateway. ztunnel says in the policy's
    /// status that it drops the test.
    Http,
    /// The same proxies, but ztunnel drops the test without a word (since Istio 1.31).
    TrustDomain,
}

/// The fields that one kind of object may have.
pub trait Field: Copy + Eq + fmt::Debug + 'static {
    /// All of them.
    const ALL: &'static [Self];
    /// What such an object is, for errors.
    const OBJECT: &'static str;

    /// The field as the policy writes it.
    fn name(self) -> &'static str;

    /// Who can test it.
    fn layer(self) -> Layer;
}

/// The tests in one source or operation; all of them have to hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fields<'a, F> {
    /// In the order they are written.
    pub tests: Vec<Test<'a, F>>,
    /// Fields we do not know.
    pub unknown: Vec<Text<'a>>,
}

/// One field with the values it compares to. A field without values tests nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Test<'a, F> {
    /// What is compared.
    pub field: F,
    /// With any of these; a null list is an empty one.
    pub values: Vec<Text<'a>>,
}

macro_rules! fields {
    ($(#[$doc:meta])* $name:ident is $object:literal { $($variant:ident $text:literal $layer:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant,)+
        }

        impl Field for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            const OBJECT: &'static str = $object;

            fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            fn layer(self) -> Layer {
                match self { $(Self::$variant => Layer::$layer,)+ }
            }
        }
    };
}

fields! {
    /// What `from.source` may test.
    SourceField is "a source, such as {\"principals\": [...]}" {
        Principals "principals" L4,
        NotPrincipals "notPrincipals" L4,
        RequestPrincipals "requestPrincipals" Http,
        NotRequestPrincipals "notRequestPrincipals" Http,
        Namespaces "namespaces" L4,
        NotNamespaces "notNamespaces" L4,
        ServiceAccounts "serviceAccounts" L4,
        NotServiceAccounts "notServiceAccounts" L4,
        IpBlocks "ipBlocks" L4,
        NotIpBlocks "notIpBlocks" L4,
        RemoteIpBlocks "remoteIpBlocks" Http,
        NotRemoteIpBlocks "notRemoteIpBlocks" Http,
        TrustDomains "trustDomains" TrustDomain,
        NotTrustDomains "notTrustDomains" TrustDomain,
    }
}

fields! {
    /// What `to.operation` may test.
    OperationField is "an operation, such as {\"methods\": [...]}" {
        Hosts "hosts" Http,
        NotHosts "notHosts" Http,
        Ports "ports" L4,
        NotPorts "notPorts" L4,
        Methods "methods" Http,
        NotMethods "notMethods" Http,
        Paths "paths" Http,
        NotPaths "notPaths" Http,
    }
}

// === impl Fields ===

impl<'a, F: Field> Fields<'a, F> {
    /// The values of one field; none when it is not there.
    pub fn values(&self, field: F) -> &[Text<'a>] {
        let test = self.tests.iter().find(|test| test.field == field);
        test.map_or(&[], |test| &test.values)
    }

    /// The fields of this layer that test something.
    pub fn of_layer(&self, layer: Layer) -> impl Iterator<Item = F> {
        let tests = self.tests.iter();
        tests
            .filter(move |test| test.field.layer() == layer && !test.values.is_empty())
            .map(|test| test.field)
    }
}

impl<'de: 'a, 'a, F: Field> Deserialize<'de> for Fields<'a, F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor(PhantomData))
    }
}

struct FieldsVisitor<F>(PhantomData<F>);

impl<'de, F: Field> Visitor<'de> for FieldsVisitor<F> {
    type Value = Fields<'de, F>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(F::OBJECT)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields {
            tests: Vec::new(),
            unknown: Vec::new(),
        };
        while let Some(name) = map.next_key::<Text<'de>>()? {
            let Some(field) = F::ALL.iter().copied().find(|field| *field.name() == *name) else {
                map.next_value::<IgnoredAny>()?;
                fields.unknown.push(name);
                continue;
            };
            if fields.tests.iter().any(|test| test.field == field) {
                return Err(A::Error::duplicate_field(field.name()));
            }
            let values = map.next_value::<Option<_>>()?.unwrap_or_default();
            fields.tests.push(Test { field, values });
        }
        Ok(fields)
    }
}
