//! Numbers and amounts of money as people write them, without floating point.

use rust_decimal::Decimal;

/// How numbers are written in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// Between the whole and the fraction: `.` or `,`.
    pub decimal: char,
    /// Between groups of three digits, where the map names one.
    pub thousands: Option<char>,
}

impl Default for Style {
    fn default() -> Self {
        Self { decimal: '.', thousands: None }
    }
}

impl Style {
    /// The number that a cell names.
    pub fn decimal(self, cell: &str) -> Result<Decimal, String> {
        let wrong = || match self.thousands {
            None => format!("is not a number with `{}` before its decimals", self.decimal),
            Some(mark) => {
                format!("is not a number with `{mark}` between thousands and `{}` before its decimals", self.decimal)
            }
        };
        let (sign, digits) = cell.strip_prefix('-').map_or(("", cell), |digits| ("-", digits));
        let (whole, fraction) = digits.split_once(self.decimal).map_or((digits, None), |(w, f)| (w, Some(f)));
        let numeric = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let mut plain = String::from(sign);
        match self.thousands {
            Some(mark) if whole.contains(mark) => {
                for (place, group) in whole.split(mark).enumerate() {
                    let size = if place == 0 { 1..=3 } else { 3..=3 };
                    if !numeric(group) || !size.contains(&group.len()) {
                        return Err(wrong());
                    }
                    plain.push_str(group);
                }
            }
            _ if numeric(whole) => plain.push_str(whole),
            _ => return Err(wrong()),
        }
        if let Some(fraction) = fraction {
            if !numeric(fraction) {
                return Err(wrong());
            }
            plain.push('.');
            plain.push_str(fraction);
        }
        Decimal::from_str_exact(&plain).map_err(|_| "is a number too large or too fine to keep".to_owned())
    }

    /// An amount of this currency, with exactly as many decimals as the currency has.
    pub fn amount(self, cell: &str, currency: &str) -> Result<String, String> {
        let digits = crate::store::value::minor_digits(&currency.to_ascii_uppercase());
        let mut amount = self.decimal(cell)?.normalize();
        if amount.scale() > digits {
            return Err(format!("has more decimals than {currency} has ({digits})"));
        }
        amount.rescale(digits);
        if amount.scale() != digits || i64::try_from(amount.mantissa()).is_err() {
            return Err("is an amount too large to keep".to_owned());
        }
        Ok(amount.to_string())
    }
}

/// Whether this is a currency of ISO 4217, in either case.
pub(super) fn is_currency(code: &str) -> bool {
    crate::store::value::currency(code).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GERMAN: Style = Style { decimal: ',', thousands: Some('.') };

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let plain = Style::default();
        assert_eq!(plain.amount("12.5", "BRL").unwrap(), "12.50");
        assert_eq!(plain.amount("50000000.0", "BRL").unwrap(), "50000000.00");
        assert_eq!(plain.amount("1200.00", "JPY").unwrap(), "1200");
        assert_eq!(plain.amount("-0.125", "KWD").unwrap(), "-0.125");
        assert!(plain.amount("12.505", "BRL").unwrap_err().contains("decimals"));
        assert!(plain.amount("0.5", "JPY").is_err());
        assert_eq!(plain.amount("92233720368547758.07", "EUR").unwrap(), "92233720368547758.07");
        assert!(plain.amount("92233720368547758.08", "EUR").unwrap_err().contains("too large"));
        assert!(plain.amount(&"9".repeat(29), "EUR").is_err());
    }

    #[test]
    fn the_map_decides_what_a_comma_means() {
        assert_eq!(GERMAN.amount("1.234.567,8", "EUR").unwrap(), "1234567.80");
        assert_eq!(GERMAN.amount("1234,5", "EUR").unwrap(), "1234.50");
        for cell in
            ["1,234.50", "12.34,5", "1.2345", ".5", "1.", "5,", "1..234", "1e3", "R$ 5", "٣", "+5", "--5", "", "-"]
        {
            assert!(GERMAN.amount(cell, "EUR").is_err(), "{cell}");
        }
        for cell in ["1,234", "1.234.5", "1 000", "0x10", "NaN", "Infinity"] {
            assert!(Style::default().amount(cell, "EUR").is_err(), "{cell}");
        }
    }

    proptest! {
        #[test]
        fn no_cent_is_lost_or_won(minor in any::<i64>()) {
            let plain = Decimal::new(minor, 2).to_string();
            prop_assert_eq!(&Style::default().amount(&plain, "EUR").unwrap(), &plain);
            let comma = Style { decimal: ',', thousands: None };
            prop_assert_eq!(&comma.amount(&plain.replace('.', ","), "EUR").unwrap(), &plain);
        }

        #[test]
        fn what_is_read_is_what_was_written(cell in "-?[0-9.,]{0,20}") {
            if let Ok(amount) = GERMAN.amount(&cell, "EUR") {
                let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
                let (read, written) = (digits(&amount), digits(&cell));
                prop_assert!(read.trim_start_matches('0').trim_end_matches('0').len() <= written.len());
                prop_assert!(written.trim_matches('0').is_empty() || read.contains(written.trim_matches('0')));
            }
        }

        #[test]
        fn no_cell_panics(cell in "\\PC*") {
            let _ = Style::default().amount(&cell, "EUR");
            let _ = GERMAN.decimal(&cell);
        }
    }
}
