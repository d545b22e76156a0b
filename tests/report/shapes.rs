//! What programs read: JSON and YAML say the same, and the schema says what they have.

use meshmode::savings::Account;
use serde_json::Value;

use crate::given::{NAMES, account, of};

#[test]
fn json_is_read_back_as_the_same_account() {
    for name in NAMES {
        let json = of(name, |report| report.json().unwrap());
        let read: Account = serde_json::from_str(&json).unwrap();
        assert_eq!(
            serde_json::to_value(read).unwrap(),
            serde_json::to_value(account(name)).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn yaml_says_the_same_as_json() {
    for name in NAMES {
        let yaml = of(name, |report| report.yaml().unwrap());
        let yaml: Value = serde_saphyr::from_str(&yaml).unwrap();
        let json: Value = serde_json::from_str(&of(name, |report| report.json().unwrap())).unwrap();
        assert_eq!(yaml, json, "{name}");
    }
}
