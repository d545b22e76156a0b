//! A file of prices, as YAML.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Machine, MachinePrices, UnitPrices};

/// The version of the format.
const API_VERSION: &str = "meshmode.io/v1alpha1";
/// The kind of the document.
const KIND: &str = "Pricing";
/// More than any machine costs for an hour, in any currency.
const MOST: f64 = 1e9;

/// A file that has no prices.
#[derive(Debug, thiserror::Error)]
pub enum BadPricing {
    /// It is not YAML, or not of this form.
    #[error("{name}:{line}: {message}")]
    Form {
        /// The file.
        name: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// A field has a value that it cannot have.
    #[error("{name}:{line}: {field} is {value}; allowed: {allowed}")]
    Value {
        /// The file.
        name: String,
        /// The line, from 1.
        line: u64,
        /// The field, such as `machines[0].hourly`.
        field: String,
        /// What is written there.
        value: String,
        /// What could be.
        allowed: String,
    },
    /// Prices in another currency than those that would stand in.
    #[error(
        "{name}: currency is {currency} and there is no field unlisted: nodes that are not listed would count at OpenCost's prices, which are in USD; write unlisted: {{vcpuHour: …, gibHour: …}}"
    )]
    Currency {
        /// The file.
        name: String,
        /// Its currency.
        currency: String,
    },
    /// One machine with two prices.
    #[error(
        "{name}:{line}: {field} has the type and region of an earlier one ({instance_type}); allowed: one for each"
    )]
    Twice {
        /// The file.
        name: String,
        /// The line, from 1.
        line: u64,
        /// The later one.
        field: String,
        /// Which type.
        instance_type: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Raw {
    api_version: Spanned<String>,
    kind: Spanned<String>,
    currency: Option<Spanned<String>>,
    source: Option<String>,
    discount: Option<Spanned<f64>>,
    unlisted: Option<RawUnit>,
    machines: Vec<RawMachine>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawUnit {
    vcpu_hour: Spanned<f64>,
    gib_hour: Spanned<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawMachine {
    r#type: Spanned<String>,
    region: Option<String>,
    hourly: Spanned<f64>,
    spot_hourly: Option<Spanned<f64>>,
    discount: Option<Spanned<f64>>,
}

/// Reads with the name of the file, for errors.
struct Reader<'n> {
    name: &'n str,
}

/// Reads `text`, which the file `name` has.
///
/// # Errors
/// What is wrong, with its line.
pub(super) fn read(name: &str, text: &str) -> Result<MachinePrices, BadPricing> {
    let options = serde_saphyr::options! { strict_booleans: true };
    let raw: Raw = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        BadPricing::Form {
            name: name.to_owned(),
            line,
            message: error.without_snippet().to_string(),
        }
    })?;
    Reader { name }.prices(&raw)
}

// === impl Reader ===

impl Reader<'_> {
    fn prices(&self, raw: &Raw) -> Result<MachinePrices, BadPricing> {
        self.constant("apiVersion", &raw.api_version, API_VERSION)?;
        self.constant("kind", &raw.kind, KIND)?;
        let discount = self.discount("discount", raw.discount.as_ref())?;
        let mut machines: Vec<Machine> = Vec::with_capacity(raw.machines.len());
        for (index, machine) in raw.machines.iter().enumerate() {
            let field = format!("machines[{index}]");
            let read = self.machine(&field, machine, discount.unwrap_or_default())?;
            let same = |other: &Machine| {
                other.instance_type == read.instance_type && other.region == read.region
            };
            if machines.iter().any(same) {
                return Err(BadPricing::Twice {
                    name: self.name.to_owned(),
                    line: machine.r#type.referenced.line(),
                    field,
                    instance_type: read.instance_type,
                });
            }
            machines.push(read);
        }
        let source = raw.source.as_deref().unwrap_or("prices by machine");
        Ok(MachinePrices {
            machines,
            unlisted: self.unlisted(raw)?,
            source: format!("{source}, file {}", self.name),
        })
    }

    fn unlisted(&self, raw: &Raw) -> Result<UnitPrices, BadPricing> {
        let open_cost = UnitPrices::open_cost();
        let currency = self.currency(raw.currency.as_ref())?.unwrap_or("USD");
        match &raw.unlisted {
            Some(unit) => Ok(UnitPrices {
                vcpu_hour: self.price("unlisted.vcpuHour", &unit.vcpu_hour)?,
                gib_hour: self.price("unlisted.gibHour", &unit.gib_hour)?,
                currency: currency.to_owned(),
                source: format!("unlisted, file {}", self.name),
                warning: None,
            }),
            None if currency == open_cost.currency => Ok(open_cost),
            None => Err(BadPricing::Currency {
                name: self.name.to_owned(),
                currency: currency.to_owned(),
            }),
        }
    }

    fn machine(&self, field: &str, raw: &RawMachine, discount: f64) -> Result<Machine, BadPricing> {
        let own = self.discount(&format!("{field}.discount"), raw.discount.as_ref())?;
        let hourly = self.price(&format!("{field}.hourly"), &raw.hourly)?;
        let spot = raw.spot_hourly.as_ref();
        let spot = spot.map(|spot| self.price(&format!("{field}.spotHourly"), spot));
        if raw.r#type.value.is_empty() {
            let allowed = "the name of an instance type, such as m6i.xlarge";
            return Err(self.value(&format!("{field}.type"), &raw.r#type, "empty", allowed));
        }
        Ok(Machine {
            instance_type: raw.r#type.value.clone(),
            region: raw.region.clone(),
            hourly: hourly * (1.0 - own.unwrap_or(discount)),
            spot_hourly: spot.transpose()?,
        })
    }

    fn constant(
        &self,
        field: &str,
        read: &Spanned<String>,
        expected: &str,
    ) -> Result<(), BadPricing> {
        if read.value == expected {
            return Ok(());
        }
        Err(self.value(field, read, &format!("{:?}", read.value), expected))
    }

    fn currency<'r>(
        &self,
        read: Option<&'r Spanned<String>>,
    ) -> Result<Option<&'r str>, BadPricing> {
        let Some(read) = read else {
            return Ok(None);
        };
        let code = &read.value;
        if code.len() == 3 && code.chars().all(|c| c.is_ascii_uppercase()) {
            return Ok(Some(code));
        }
        let allowed = "three capital letters, such as USD or EUR";
        Err(self.value("currency", read, &format!("{code:?}"), allowed))
    }

    fn price(&self, field: &str, read: &Spanned<f64>) -> Result<f64, BadPricing> {
        self.within(field, read, 0.0..=MOST, "a number from 0 to 1000000000")
    }

    fn discount(
        &self,
        field: &str,
        read: Option<&Spanned<f64>>,
    ) -> Result<Option<f64>, BadPricing> {
        let allowed = "a part from 0 to 1, such as 0.3 for 30 % off";
        read.map(|read| self.within(field, read, 0.0..=1.0, allowed))
            .transpose()
    }

    fn within(
        &self,
        field: &str,
        read: &Spanned<f64>,
        range: std::ops::RangeInclusive<f64>,
        allowed: &str,
    ) -> Result<f64, BadPricing> {
        if range.contains(&read.value) {
            return Ok(read.value);
        }
        Err(self.value(field, read, &read.value.to_string(), allowed))
    }

    fn value<T>(&self, field: &str, read: &Spanned<T>, value: &str, allowed: &str) -> BadPricing {
        BadPricing::Value {
            name: self.name.to_owned(),
            line: read.referenced.line(),
            field: field.to_owned(),
            value: value.to_owned(),
            allowed: allowed.to_owned(),
        }
    }
}
