//! The same names under shuttle's scheduler: its locks and atomics, and small forms of the map and
//! of the swap on top of them.

use std::cell::Cell;
use std::collections::HashMap;
use std::future::Future;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash};
use std::ops::Deref;
use std::sync::{Arc, PoisonError};

use shuttle::sync::MutexGuard as Guard;
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64};
pub(crate) use shuttle::sync::{Mutex, MutexGuard, RwLock};
use tokio_util::task::TaskTracker;

use super::Race;

/// Starts a task that the tracker waits for.
pub(crate) fn spawn_on(tasks: &TaskTracker, task: impl Future<Output = ()> + Send + 'static) {
    drop(shuttle::future::spawn(tasks.track_future(task)));
}

/// A place where another thread may come in between that no lock or atomic marks: the use of a
/// channel.
pub(crate) fn may_switch() {
    // The scheduler may switch wherever one of its atomics is touched.
    AtomicBool::new(false).load(std::sync::atomic::Ordering::SeqCst);
}

thread_local! {
    /// Of the test's thread: shuttle runs all tasks of a test on it.
    static PLANTED: Cell<Option<Race>> = const { Cell::new(None) };
}

/// Keeps a race planted until it is dropped.
#[derive(Debug)]
pub struct Planted(());

/// Plants a race for all that this thread runs.
pub fn plant(race: Race) -> Planted {
    PLANTED.set(Some(race));
    Planted(())
}

impl Drop for Planted {
    fn drop(&mut self) {
        PLANTED.set(None);
    }
}

/// True where a test has planted this race.
pub(crate) fn planted(race: Race) -> bool {
    PLANTED.get() == Some(race)
}

/// An `Arc` that is replaced as a whole, as of arc-swap.
#[derive(Debug)]
pub(crate) struct ArcSwap<T>(Mutex<Arc<T>>);

impl<T> ArcSwap<T> {
    pub(crate) fn from_pointee(value: T) -> ArcSwap<T> {
        ArcSwap(Mutex::new(Arc::new(value)))
    }

    pub(crate) fn load_full(&self) -> Arc<T> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn store(&self, value: Arc<T>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

/// The hash of a map whose order is the same in every run.
type SameHash = BuildHasherDefault<DefaultHasher>;

/// A shared map, as of dashmap, with one lock around it.
#[derive(Debug)]
pub(crate) struct DashMap<K, V>(Mutex<HashMap<K, V, SameHash>>);

impl<K, V> Default for DashMap<K, V> {
    fn default() -> DashMap<K, V> {
        DashMap(Mutex::new(HashMap::default()))
    }
}

impl<K: Eq + Hash + Clone, V> DashMap<K, V> {
    fn lock(&self) -> Guard<'_, HashMap<K, V, SameHash>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, key: K, value: V) -> Option<V> {
        self.lock().insert(key, value)
    }

    pub(crate) fn get(&self, key: &K) -> Option<Ref<'_, K, V>> {
        let map = self.lock();
        map.contains_key(key).then(|| Ref { map, key: key.clone() })
    }

    pub(crate) fn entry(&self, key: K) -> Entry<'_, K, V> {
        let map = self.lock();
        match map.contains_key(&key) {
            true => Entry::Occupied(Occupied(Ref { map, key })),
            false => Entry::Vacant(Vacant(Ref { map, key })),
        }
    }

    pub(crate) fn retain(&self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.lock().retain(|key, value| keep(key, value));
    }

    /// Each entry as it stands when it is reached; the map is not held in between.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Ref<'_, K, V>> {
        let keys: Vec<K> = self.lock().keys().cloned().collect();
        keys.into_iter().filter_map(|key| self.get(&key))
    }
}

/// A key, with the map held.
pub(crate) struct Ref<'a, K, V> {
    map: Guard<'a, HashMap<K, V, SameHash>>,
    key: K,
}

impl<K: Eq + Hash, V> Ref<'_, K, V> {
    pub(crate) fn key(&self) -> &K {
        &self.key
    }

    pub(crate) fn value(&self) -> &V {
        &self.map[&self.key]
    }
}

impl<K: Eq + Hash, V> Deref for Ref<'_, K, V> {
    type Target = V;

    fn deref(&self) -> &V {
        self.value()
    }
}

/// A place in the map, with the map held.
pub(crate) enum Entry<'a, K, V> {
    Occupied(Occupied<'a, K, V>),
    Vacant(Vacant<'a, K, V>),
}

/// A place that has a value.
pub(crate) struct Occupied<'a, K, V>(Ref<'a, K, V>);

impl<K: Eq + Hash + Clone, V> Occupied<'_, K, V> {
    pub(crate) fn get(&self) -> &V {
        self.0.value()
    }

    pub(crate) fn insert(&mut self, value: V) -> Option<V> {
        self.0.map.insert(self.0.key.clone(), value)
    }
}

/// A place that has none.
pub(crate) struct Vacant<'a, K, V>(Ref<'a, K, V>);

impl<K: Eq + Hash, V> Vacant<'_, K, V> {
    pub(crate) fn insert(mut self, value: V) {
        self.0.map.insert(self.0.key, value);
    }
}
