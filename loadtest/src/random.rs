//! Numbers that look random and are the same for the same seed.

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014): small, good enough for choosing what an agent does next.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Begins a sequence.
    pub fn of(seed: u64) -> Random {
        Random { state: seed }
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number under `limit`; 0 when `limit` is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The bias of the remainder is under 2^-50 for the small limits used here.
        if limit == 0 { 0 } else { self.draw() % limit }
    }

    /// One of a list; none when it is empty.
    pub fn pick<'l, T>(&mut self, list: &'l [T]) -> Option<&'l T> {
        let at = self.below(list.len() as u64);
        list.get(usize::try_from(at).ok()?)
    }

    /// A span from `min` up to `max`.
    pub fn span(&mut self, min: Duration, max: Duration) -> Duration {
        let width = max.saturating_sub(min).as_millis();
        min + Duration::from_millis(self.below(u64::try_from(width).unwrap_or(u64::MAX)))
    }

    /// A 128-bit id in the 8-4-4-4-12 form, for `op`; version and variant as RFC 9562 has them for
    /// random ids.
    pub fn op(&mut self) -> String {
        let (a, b) = (self.draw(), self.draw());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            0x8000 | (b >> 48 & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_day() {
        let (mut a, mut b, mut c) = (Random::of(7), Random::of(7), Random::of(8));
        let first: Vec<u64> = (0..20).map(|_| a.draw()).collect();
        assert_eq!(first, (0..20).map(|_| b.draw()).collect::<Vec<_>>());
        assert_ne!(first, (0..20).map(|_| c.draw()).collect::<Vec<_>>());
    }

    #[test]
    fn ops_have_the_form_of_an_id() {
        let mut random = Random::of(1);
        for _ in 0..100 {
            let op = random.op();
            let lengths: Vec<usize> = op.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{op}");
            assert!(op.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()));
        }
    }
}
