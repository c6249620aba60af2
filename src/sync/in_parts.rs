//! Work on a long list, done by as many threads as there are processors. For a start, when nothing else has to be done.

use std::num::NonZero;
use std::thread::{available_parallelism, scope};

/// How long a list must be for one more thread. The shortest work that is done here takes about half a microsecond
/// an element, and a thread costs some tens of microseconds.
const WORTH_A_THREAD: usize = 4096;

/// Cuts the list, has the parts worked on side by side, and answers with what came of them, in order. Waits.
///
/// # Panics
/// When `work` does.
pub(crate) fn in_parts<T: Send, R: Send>(list: Vec<T>, work: impl Fn(Vec<T>) -> R + Sync) -> Vec<R> {
    let processors = available_parallelism().map_or(1, NonZero::get);
    let mut parts = cut(list, processors).into_iter();
    let own = parts.next();
    scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(|| work(part))).collect();
        let own = own.map(&work);
        let others = others.into_iter().map(|other| {
            other.join().unwrap_or_else(|panic| {
                // It is this list's panic, wherever it happened.
                std::panic::resume_unwind(panic)
            })
        });
        own.into_iter().chain(others).collect()
    })
}

/// Parts of about the same length, at most so many; one for a short list.
fn cut<T>(mut list: Vec<T>, parts_max: usize) -> Vec<Vec<T>> {
    let parts = (list.len() / WORTH_A_THREAD).clamp(1, parts_max.max(1));
    let length = list.len().div_ceil(parts);
    let mut cut = Vec::with_capacity(parts);
    while list.len() > length {
        let rest = list.split_off(length);
        cut.push(std::mem::replace(&mut list, rest));
    }
    cut.push(list);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_list_in_order_and_no_more_than_pay() {
        for (length, parts_max, parts) in [(0, 4, 1), (WORTH_A_THREAD, 4, 1), (3 * WORTH_A_THREAD + 1, 2, 2)] {
            let list: Vec<usize> = (0..length).collect();
            let cut = cut(list.clone(), parts_max);
            assert_eq!((cut.len(), cut.concat()), (parts, list.clone()));
            assert_eq!(in_parts(list.clone(), |part| part).concat(), list);
        }
    }
}
