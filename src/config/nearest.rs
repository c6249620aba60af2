//! The name that somebody probably meant.

/// How alike two names must be (Jaro-Winkler, 0 to 1) before one is proposed for the other: under
/// it, a proposal is more likely to mislead than to help.
const LIKENESS_MIN: f64 = 0.75;

/// The most alike of `names`, when one is alike enough.
pub fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wanted, name), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_proposed_and_a_far_one_is_not() {
        let names = ["listen", "log_level", "log_format"];
        assert_eq!(nearest("listn", names), Some("listen"));
        assert_eq!(nearest("loglevel", names), Some("log_level"));
        assert_eq!(nearest("zzz", names), None);
    }
}
