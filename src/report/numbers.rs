//! Numbers for people: no more digits than matter, thousands set apart, and never a zero for what is not one.

/// What stands for a figure that is not known.
pub(super) const UNKNOWN: &str = "not known";

/// Money: `$1,234`, below a hundred with cents, and `CHF 12.34` where the currency has no sign here.
pub(super) fn money(currency: &str, amount: f64) -> String {
    if !amount.is_finite() {
        return UNKNOWN.to_owned();
    }
    let (sign, size) = (minus(amount), amount.abs());
    let before = sign_of(currency);
    let cents = (size * 100.0).round() / 100.0;
    if size > 0.0 && cents < 0.01 {
        return format!("<{sign}{before}0.01");
    }
    if cents >= 100.0 || cents == 0.0 {
        return format!("{sign}{before}{}", thousands(size));
    }
    format!("{sign}{before}{cents:.2}")
}

/// Money at a scale: without cents where it has none.
pub(super) fn round_money(currency: &str, amount: f64) -> String {
    let shown = money(currency, amount);
    shown
        .strip_suffix(".00")
        .map_or(shown.clone(), ToOwned::to_owned)
}

/// Money with its sign, also where it is more.
pub(super) fn change(currency: &str, amount: f64) -> String {
    signed(amount, &money(currency, amount))
}

/// A price: as many digits as it has, six after the point at most.
pub(super) fn price(currency: &str, amount: f64) -> String {
    if !amount.is_finite() {
        return UNKNOWN.to_owned();
    }
    let digits = format!("{:.6}", amount.abs());
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    let part = part.trim_end_matches('0');
    let before = format!("{}{}", minus(amount), sign_of(currency));
    format!("{before}{whole}.{part:0<2}")
}

/// How many of something, as a mean: one digit after the point where there is one to see.
pub(super) fn count(many: f64) -> String {
    if !many.is_finite() {
        return UNKNOWN.to_owned();
    }
    let (sign, size) = (minus(many), many.abs());
    let tenths = (size * 10.0).round() / 10.0;
    if size > 0.0 && tenths < 0.1 {
        return format!("<{sign}0.1");
    }
    if tenths >= 100.0 || tenths.fract() == 0.0 {
        return format!("{sign}{}", thousands(size));
    }
    format!("{sign}{tenths:.1}")
}

/// How many more or less.
pub(super) fn count_change(many: f64) -> String {
    signed(many, &count(many))
}

/// Cores, GiB and milliseconds: three digits.
pub(super) fn decimal(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => UNKNOWN.to_owned(),
        _ if size > 0.0 && size < 0.005 => format!("<{}0.01", minus(value)),
        _ if size == 0.0 => "0".to_owned(),
        _ if size < 9.995 => format!("{value:.2}"),
        _ if size < 99.95 => format!("{value:.1}"),
        _ => format!("{}{}", minus(value), thousands(size)),
    }
}

/// A part of one, in hundredths.
pub(super) fn percent(part: f64) -> String {
    if !part.is_finite() {
        return UNKNOWN.to_owned();
    }
    let hundredths = part * 100.0;
    match hundredths {
        _ if hundredths > 99.0 && hundredths < 100.0 => "over 99 %".to_owned(),
        _ if hundredths > 0.0 && hundredths < 1.0 => "under 1 %".to_owned(),
        _ => format!("{hundredths:.0} %"),
    }
}

/// `1 sidecar`, `2.5 sidecars`.
pub(super) fn many(number: f64, word: &str) -> String {
    let number = count(number);
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {word}{plural}")
}

/// A length of time in seconds, in days where it has some.
pub(super) fn duration(seconds: f64) -> String {
    const DAY: f64 = 86_400.0;
    const HOUR: f64 = 3_600.0;
    match seconds {
        _ if seconds >= 2.0 * DAY => many(seconds / DAY, "day"),
        _ if seconds >= HOUR => many(seconds / HOUR, "hour"),
        _ => many(seconds / 60.0, "minute"),
    }
}

fn minus(value: f64) -> &'static str {
    if value < 0.0 { "-" } else { "" }
}

fn signed(value: f64, shown: &str) -> String {
    let is_more = value > 0.0 && value.is_finite();
    format!("{}{shown}", if is_more { "+" } else { "" })
}

/// What stands before an amount.
fn sign_of(currency: &str) -> String {
    match currency {
        "USD" => "$".to_owned(),
        "EUR" => "€".to_owned(),
        "GBP" => "£".to_owned(),
        other => format!("{other} "),
    }
}

/// A number of zero or more, rounded to a whole one.
fn thousands(size: f64) -> String {
    if size >= 1e15 {
        return format!("{size:.2e}");
    }
    let digits = format!("{size:.0}");
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_the_digits_that_matter() {
        for (name, currency, amount, expected) in [
            ("nothing", "USD", 0.0, "$0"),
            ("nothing, below", "USD", -0.0, "$0"),
            ("less than a cent", "USD", 0.004, "<$0.01"),
            ("a loss of less than a cent", "USD", -0.004, "<-$0.01"),
            ("a cent", "USD", 0.0051, "$0.01"),
            ("cents", "USD", 12.345, "$12.35"),
            ("the last with cents", "USD", 99.99, "$99.99"),
            ("rounded up to no cents", "USD", 99.999, "$100"),
            ("whole", "USD", 999.5, "$1,000"),
            ("thousands", "EUR", 12_345.6, "€12,346"),
            ("millions", "GBP", 1_234_567.0, "£1,234,567"),
            ("a loss", "USD", -1_234.0, "-$1,234"),
            ("another currency", "CHF", -5.0, "-CHF 5.00"),
            ("too large to read", "USD", 1e300, "$1.00e300"),
            ("no number", "USD", f64::NAN, UNKNOWN),
            ("infinite", "USD", f64::INFINITY, UNKNOWN),
        ] {
            assert_eq!(money(currency, amount), expected, "{name}");
        }
        assert_eq!(round_money("USD", 80.0), "$80");
        assert_eq!(round_money("USD", 2.5), "$2.50");
        assert_eq!(change("USD", 5.0), "+$5.00");
        assert_eq!(change("USD", -5.0), "-$5.00");
        assert_eq!(change("USD", 0.0), "$0");
    }

    #[test]
    fn a_price_keeps_its_digits() {
        assert_eq!(price("USD", 0.031_611), "$0.031611");
        assert_eq!(price("USD", 0.5), "$0.50");
        assert_eq!(price("EUR", 3.0), "€3.00");
    }

    #[test]
    fn a_mean_is_not_a_whole_number() {
        for (value, expected) in [
            (0.0, "0"),
            (0.01, "<0.1"),
            (1.0, "1"),
            (2.04, "2"),
            (2.06, "2.1"),
            (99.96, "100"),
            (1_234.5, "1,234"),
            (-3.5, "-3.5"),
            (f64::NEG_INFINITY, UNKNOWN),
        ] {
            assert_eq!(count(value), expected, "{value}");
        }
        assert_eq!(many(1.0, "sidecar"), "1 sidecar");
        assert_eq!(many(1.5, "sidecar"), "1.5 sidecars");
        assert_eq!(count_change(2.0), "+2");
    }

    #[test]
    fn others() {
        for (value, expected) in [
            (0.0, "0"),
            (0.001, "<0.01"),
            (0.126, "0.13"),
            (9.996, "10.0"),
            (12.34, "12.3"),
            (1_234.4, "1,234"),
            (-0.5, "-0.50"),
        ] {
            assert_eq!(decimal(value), expected, "{value}");
        }
        for (value, expected) in [
            (0.0, "0 %"),
            (0.001, "under 1 %"),
            (0.42, "42 %"),
            (0.999, "over 99 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(value), expected, "{value}");
        }
        for (seconds, expected) in [
            (604_800.0, "7 days"),
            (86_400.0, "24 hours"),
            (5_400.0, "1.5 hours"),
            (60.0, "1 minute"),
        ] {
            assert_eq!(duration(seconds), expected, "{seconds}");
        }
    }
}
