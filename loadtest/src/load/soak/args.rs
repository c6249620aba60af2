//! The flags of the scenario.

use std::time::Duration;

use clap::Args;

use crate::load::args::{CONNECTIONS_MAX, TargetArgs, positive_rate, positive_span};

/// The flags of `soak`.
#[derive(Debug, Clone, Args)]
pub(in crate::load) struct SoakArgs {
    #[command(flatten)]
    pub(in crate::load) target: TargetArgs,
    /// How many agents, all of one team
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub(in crate::load) agents: u64,
    /// How many boards, all of that team
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub(in crate::load) boards: u64,
    /// Changes a second, at fixed instants
    #[arg(long, value_name = "N", conflicts_with = "load", value_parser = positive_rate)]
    pub(in crate::load) rate: Option<f64>,
    /// The same as a share of what a closed loop of some seconds reaches before
    #[arg(long, value_name = "PERCENT", default_value = "40%", value_parser = share)]
    pub(in crate::load) load: f64,
    /// Which share of all connections is lost each second without a word, and comes back a second later; 0% for none
    #[arg(long, value_name = "PERCENT", default_value = "1%", value_parser = small_share)]
    pub(in crate::load) churn: f64,
    /// How long
    #[arg(long, value_name = "SPAN", default_value = "20m", value_parser = positive_span)]
    pub(in crate::load) time: Duration,
    /// How often samples are taken
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = positive_span)]
    pub(in crate::load) every: Duration,
}

/// A share of 1: `40%`, `0.5%`.
fn share(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').and_then(|digits| digits.parse().ok());
    let percent = percent.filter(|percent: &f64| percent.is_finite() && *percent > 0.0 && *percent <= 100.0);
    percent.map(|percent| percent / 100.0).ok_or_else(|| "expected a share over 0% and up to 100%".to_owned())
}

fn small_share(text: &str) -> Result<f64, String> {
    if text == "0%" {
        return Ok(0.0);
    }
    let small = share(text).ok().filter(|share| *share <= 0.2);
    small.ok_or_else(|| "expected a share from 0% to 20%".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        assert_eq!((share("40%"), share("0.5%")), (Ok(0.4), Ok(0.005)));
        assert_eq!((small_share("0%"), small_share("20%")), (Ok(0.0), Ok(0.2)));
        for text in ["40", "0%", "101%", "NaN%", "-1%", ""] {
            assert!(share(text).is_err(), "{text}");
        }
        assert!(small_share("21%").is_err() && small_share("1").is_err());
    }
}
