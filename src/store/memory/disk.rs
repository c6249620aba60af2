//! A simulated disk: one append-only file whose unsynced writes a power cut drops, tears or reorders.

use sha2::{Digest, Sha256};

/// Length, then SHA-256, then the record.
const HEADER_BYTES: usize = 4 + 32;

/// The file, as the platter has it and as the operating system shows it.
#[derive(Debug, Default)]
pub(super) struct SimDisk {
    synced: Vec<u8>,
    /// Written, not synced: where, and what.
    unsynced: Vec<(usize, Vec<u8>)>,
    crashes: u64,
}

impl SimDisk {
    /// Writes a record at the end of the file.
    pub(super) fn write(&mut self, record: &[u8]) {
        let mut framed = Vec::with_capacity(HEADER_BYTES + record.len());
        // A record is one batch's rows: far below 4 GiB.
        framed.extend_from_slice(&u32::try_from(record.len()).unwrap_or(u32::MAX).to_be_bytes());
        framed.extend_from_slice(&Sha256::digest(record));
        framed.extend_from_slice(record);
        let end = self.unsynced.last().map_or(self.synced.len(), |(at, bytes)| at + bytes.len());
        self.unsynced.push((end, framed));
    }

    /// Makes everything written durable.
    pub(super) fn sync(&mut self) {
        for (at, bytes) in std::mem::take(&mut self.unsynced) {
            put(&mut self.synced, at, &bytes);
        }
    }

    /// The power goes: of what was not synced, each write is kept, dropped or torn, whatever their order.
    pub(super) fn lose_power(&mut self, seed: u64) {
        self.crashes += 1;
        let unsynced = std::mem::take(&mut self.unsynced);
        for (index, (at, bytes)) in unsynced.into_iter().enumerate() {
            let dice = dice(seed, self.crashes, index as u64);
            match dice % 3 {
                0 => {}
                1 => put(&mut self.synced, at, &bytes),
                _ => {
                    let kept = usize::try_from(dice / 3).unwrap_or(0) % bytes.len();
                    put(&mut self.synced, at, &bytes[..kept]);
                }
            }
        }
    }

    /// Reads all records from the start and cuts the file after the last whole one, so that nothing
    /// which lies behind a torn one can come back later.
    pub(super) fn recover(&mut self) -> Vec<Vec<u8>> {
        self.sync();
        let (records, good) = whole_records(&self.synced);
        self.synced.truncate(good);
        records
    }
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

fn whole_records(file: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some(record) = whole_record(&file[at..]) {
        at += HEADER_BYTES + record.len();
        records.push(record.to_vec());
    }
    (records, at)
}

fn whole_record(file: &[u8]) -> Option<&[u8]> {
    let (length, rest) = file.split_first_chunk::<4>()?;
    let (digest, rest) = rest.split_first_chunk::<32>()?;
    let record = rest.get(..u32::from_be_bytes(*length) as usize)?;
    let is_whole = <[u8; 32]>::from(Sha256::digest(record)) == *digest;
    // A hole of zeros is no record: the digest of nothing is not zeros.
    is_whole.then_some(record)
}

/// A number that follows from a seed.
fn dice(seed: u64, crash: u64, index: u64) -> u64 {
    let digest: [u8; 32] =
        Sha256::digest([seed.to_be_bytes(), crash.to_be_bytes(), index.to_be_bytes()].concat()).into();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_survives_and_nothing_follows_a_torn_record() {
        for seed in 0..500 {
            let mut disk = SimDisk::default();
            disk.write(b"first");
            disk.sync();
            for text in ["second", "third", "fourth"] {
                disk.write(text.as_bytes());
            }
            disk.lose_power(seed);
            let records = disk.recover();
            let all = [b"first".to_vec(), b"second".to_vec(), b"third".to_vec(), b"fourth".to_vec()];
            assert!(!records.is_empty(), "seed {seed}");
            assert_eq!(records, all[..records.len()], "seed {seed}");
            disk.write(b"later");
            disk.sync();
            assert_eq!(disk.recover().last().map(Vec::as_slice), Some(&b"later"[..]), "seed {seed}");
        }
    }

    #[test]
    fn a_power_cut_does_drop_tear_and_reorder() {
        let mut lengths = std::collections::BTreeSet::new();
        let mut kept_behind_a_hole = false;
        for seed in 0..100 {
            let mut disk = SimDisk::default();
            disk.write(b"one");
            disk.write(b"two");
            disk.lose_power(seed);
            kept_behind_a_hole |= disk.synced.ends_with(b"two") && whole_records(&disk.synced).0.is_empty();
            lengths.insert(disk.recover().len());
        }
        assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
        assert!(kept_behind_a_hole);
    }
}
