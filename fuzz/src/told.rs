//! What everything that is told to a person must be: some text, on one line, that a terminal shows as it is.

use intervalo::config::Problem;

/// Fails with what does not hold.
pub(crate) fn ensure(holds: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(fault()) }
}

/// A text is there and prints.
pub(crate) fn prints(text: &str) -> Result<(), String> {
    ensure(!text.trim().is_empty(), || "nothing is told".to_owned())?;
    ensure(!text.chars().any(char::is_control), || format!("what is told does not print: {text:?}"))
}

/// Problems of a file of so many lines: some, each once, in order, each on a line that there is.
pub(crate) fn problems(problems: &[Problem], lines: usize) -> Result<(), String> {
    ensure(!problems.is_empty(), || "it is refused, and nothing is wrong with it".to_owned())?;
    for problem in problems {
        prints(&problem.message)?;
        ensure((1..=lines).contains(&problem.line), || format!("there are {lines} lines, but {problem}"))?;
    }
    ensure(problems.is_sorted(), || format!("not in order: {problems:?}"))?;
    ensure(problems.windows(2).all(|pair| pair[0] != pair[1]), || format!("told twice: {problems:?}"))
}

/// The problems as one text.
pub(crate) fn listed(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
