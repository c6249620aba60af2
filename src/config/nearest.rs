//! The name that somebody probably meant.

/// How alike two names must be (Jaro-Winkler, 0 to 1) before one is proposed for the other: under
/// it, a proposal is more likely to mislead than to help.
const LIKENESS_MIN: f64 = 0.75;

/// The longest name that is looked for, in characters: names have 200 at most. A text is compared with all
/// that there are, at the cost of its length times theirs, and an import file may hold one of megabytes.
const LENGTH_MAX: usize = 256;

/// The most alike of `names`, when one is alike enough.
pub fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if wanted.chars().nth(LENGTH_MAX).is_some() {
        return None;
    }
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

    #[test]
    fn a_text_that_no_name_is_as_long_as_is_not_compared() {
        let longest = "x".repeat(LENGTH_MAX);
        assert_eq!(nearest(&longest, [longest.as_str()]), Some(longest.as_str()));
        let longer = "x".repeat(LENGTH_MAX + 1);
        assert_eq!(nearest(&longer, [longer.as_str()]), None);
    }
}
