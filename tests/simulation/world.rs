//! What outlives the server: the disk, the dice, what clients still wait for, and what was seen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use intervalo::domain::command::{Actor, Command};
use intervalo::domain::id::{AgentId, Op};
use intervalo::domain::time::Timestamp;
use intervalo::store::MemoryJournal;

use super::defect::Defect;
use super::dice::Dice;
use super::evidence::Evidence;

/// The instants that seeds begin at: an ordinary morning, and the hours before the clocks of Berlin go
/// forward and back.
const BEGINNINGS: [Timestamp; 3] =
    [Timestamp(1_795_338_000_000), Timestamp(1_806_193_800_000), Timestamp(1_824_940_800_000)];

/// A command that was sent and not answered; it is sent again, to the next server if need be.
#[derive(Debug, Clone)]
pub(crate) struct Unanswered {
    pub(crate) agent: AgentId,
    pub(crate) by: Actor,
    pub(crate) reason: Option<String>,
    pub(crate) command: Command,
    pub(crate) op: Op,
}

/// One seed's world.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) defect: Option<Defect>,
    pub(crate) begin: Timestamp,
    dice: Mutex<Dice>,
    seen: Mutex<Evidence>,
    disk: Mutex<Option<Arc<MemoryJournal>>>,
    /// By the number of the client.
    pub(crate) unanswered: Mutex<BTreeMap<u64, Unanswered>>,
    ops: Mutex<u128>,
    pauses: Mutex<u128>,
}

impl World {
    pub(crate) fn new(seed: u64, defect: Option<Defect>) -> Arc<World> {
        let mut dice = Dice::new(seed);
        let begin = BEGINNINGS[dice.below(3) as usize];
        Arc::new(World {
            seed,
            defect,
            begin,
            dice: Mutex::new(dice),
            seen: Mutex::default(),
            disk: Mutex::new(None),
            unanswered: Mutex::default(),
            ops: Mutex::new(1),
            pauses: Mutex::new(1),
        })
    }

    /// A number below `sides`.
    pub(crate) fn roll(&self, sides: u64) -> u64 {
        self.dice.lock().unwrap().below(sides)
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Evidence> {
        self.seen.lock().unwrap()
    }

    /// The disk as the server that runs has opened it.
    pub(crate) fn disk(&self) -> Arc<MemoryJournal> {
        Arc::clone(self.disk.lock().unwrap().as_ref().expect("a disk"))
    }

    pub(crate) fn set_disk(&self, journal: MemoryJournal) {
        *self.disk.lock().unwrap() = Some(Arc::new(journal));
    }

    pub(crate) fn fresh_op(&self) -> Op {
        let mut ops = self.ops.lock().unwrap();
        *ops += 1;
        Op(*ops)
    }

    pub(crate) fn fresh_pause(&self) -> u128 {
        let mut pauses = self.pauses.lock().unwrap();
        *pauses += 1;
        *pauses
    }
}
