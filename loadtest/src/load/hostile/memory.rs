//! Promise R1: how much memory a server may have, by its connections and by those who do not take what they are sent.

use serde::Serialize;

/// What each connection may take, in KiB.
const KIB_PER_CONNECTION: u64 = 16;
/// What each one may take besides that does not read.
const KIB_PER_SLOW_CONNECTION: u64 = 256;
/// From how many connections on the bound is held against the figure. With fewer, what the first of anything costs (pages
/// of the program, pools of the allocator) is more than all that grows with them.
const HELD_FROM: u64 = 1000;

/// Resident memory, in KiB, and its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(in crate::load) struct MemoryFigures {
    /// The server was started, and nobody was connected.
    pub(in crate::load) base_kib: u64,
    /// The most in the rounds without hostile clients.
    pub(in crate::load) peak_without_kib: u64,
    /// The most in those with them.
    pub(in crate::load) peak_with_kib: u64,
    /// When the hostile ones had gone.
    pub(in crate::load) after_kib: u64,
    /// Connections.
    pub(in crate::load) connections: u64,
    /// Those of them that do not read.
    pub(in crate::load) slow_connections: u64,
    /// base + 16 KiB × connections + 256 KiB × slow connections.
    pub(in crate::load) bound_kib: u64,
    /// It was held against the most with them.
    pub(in crate::load) bound_is_held: bool,
}

impl MemoryFigures {
    /// The bound of a server that had `base` before anybody came.
    pub(super) fn of(base_kib: u64, connections: u64, slow_connections: u64) -> MemoryFigures {
        MemoryFigures {
            base_kib,
            peak_without_kib: 0,
            peak_with_kib: 0,
            after_kib: 0,
            connections,
            slow_connections,
            bound_kib: base_kib + KIB_PER_CONNECTION * connections + KIB_PER_SLOW_CONNECTION * slow_connections,
            bound_is_held: connections >= HELD_FROM,
        }
    }

    /// How the bound was broken; none when it was not.
    pub(super) fn breach(&self) -> Option<String> {
        let peak = self.peak_with_kib.max(self.peak_without_kib);
        (self.bound_is_held && peak > self.bound_kib).then(|| {
            format!(
                "the server had {peak} KiB, and may have {} with {} connections, {} of them slow, and {} before them",
                self.bound_kib, self.connections, self.slow_connections, self.base_kib
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_r1_the_bound_is_by_connections_and_by_those_who_do_not_read() {
        let memory = MemoryFigures::of(20_000, 10_000, 1000);
        assert_eq!(memory.bound_kib, 20_000 + 160_000 + 256_000);
        let with = |peak| MemoryFigures { peak_with_kib: peak, ..memory }.breach();
        assert_eq!(with(436_000), None);
        let told = with(436_001).expect("one KiB too many");
        assert!(told.starts_with("the server had 436001 KiB, and may have 436000 with 10000 connections"), "{told}");
        assert!(MemoryFigures { peak_without_kib: 436_001, ..memory }.breach().is_some(), "without them as well");
    }

    #[test]
    fn few_connections_are_not_held_to_what_the_first_ones_cost() {
        let few = MemoryFigures { peak_with_kib: 90_000, ..MemoryFigures::of(20_000, 999, 0) };
        assert_eq!((few.bound_kib, few.breach()), (20_000 + 16 * 999, None));
        assert!(MemoryFigures { peak_with_kib: 90_000, ..MemoryFigures::of(20_000, 1000, 0) }.breach().is_some());
    }
}
