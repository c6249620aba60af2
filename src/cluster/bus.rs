//! The bus of a single node: channels in memory, one a tenant, which pass an `Arc`.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::domain::id::TenantId;
use crate::limits::Limit;
use crate::ports::{BoxFuture, Bus, Delivery, Feed, ShardId, Subscription};

/// How many messages a subscriber may be behind before it misses the oldest. Two seconds of group
/// commits at their fastest; a message is a pointer, and is freed when the last one has read it.
pub const FEED_CAPACITY: usize = 1024;

/// Carries feeds within one process. Publishing never waits: a subscriber that is behind misses.
#[derive(Debug, Default)]
pub struct LocalBus {
    /// One channel for each tenant that somebody subscribed to; few, and written at boot only.
    topics: RwLock<HashMap<TenantId, broadcast::Sender<Feed>>>,
}

impl LocalBus {
    /// A bus without subscribers.
    pub fn new() -> LocalBus {
        LocalBus::default()
    }
}

impl Bus for LocalBus {
    fn publish(&self, _shard: ShardId, tenant: &TenantId, message: Feed) {
        // The map is whole whoever panicked beside it: it is only inserted into.
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = topics.get(tenant) {
            // An error means that nobody listens, which loses nothing: the journal has it.
            let _ = topic.send(message);
        }
    }

    fn subscribe(&self, _shard: ShardId, tenant: &TenantId) -> Box<dyn Subscription> {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.retain(|kept, topic| kept == tenant || topic.receiver_count() > 0);
        let topic = topics.entry(tenant.clone()).or_insert_with(|| broadcast::channel(FEED_CAPACITY).0);
        Box::new(LocalSubscription { receiver: topic.subscribe() })
    }
}

struct LocalSubscription {
    receiver: broadcast::Receiver<Feed>,
}

impl Subscription for LocalSubscription {
    fn next(&mut self) -> BoxFuture<'_, Option<Delivery>> {
        Box::pin(async {
            match self.receiver.recv().await {
                Ok(message) => Some(Delivery::Message(message)),
                Err(RecvError::Lagged(_)) => {
                    Limit::Feed.reached();
                    Some(Delivery::Missed)
                }
                Err(RecvError::Closed) => None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::TenantSeq;

    const SHARD: ShardId = ShardId(7);

    fn tenant(id: &str) -> TenantId {
        TenantId::new(id).unwrap()
    }

    async fn head(subscription: &mut Box<dyn Subscription>) -> Option<u64> {
        match subscription.next().await? {
            Delivery::Message(Feed::Head(seq)) => Some(seq.0),
            Delivery::Message(other) => panic!("expected a head, got {other:?}"),
            Delivery::Missed => panic!("expected a head, missed it"),
        }
    }

    #[tokio::test]
    async fn a_subscriber_gets_what_is_published_after_it_subscribed_in_order() {
        let bus = LocalBus::new();
        bus.publish(SHARD, &tenant("acme"), Feed::Head(TenantSeq(1)));
        let mut subscription = bus.subscribe(SHARD, &tenant("acme"));
        bus.publish(SHARD, &tenant("acme"), Feed::Head(TenantSeq(2)));
        bus.publish(SHARD, &tenant("other"), Feed::Head(TenantSeq(9)));
        bus.publish(SHARD, &tenant("acme"), Feed::Head(TenantSeq(3)));
        assert_eq!(head(&mut subscription).await, Some(2));
        assert_eq!(head(&mut subscription).await, Some(3));
        drop(bus);
        assert_eq!(head(&mut subscription).await, None);
    }

    #[tokio::test]
    async fn a_subscriber_that_does_not_read_is_told_that_it_missed_and_holds_nobody_up() {
        let bus = LocalBus::new();
        let mut subscription = bus.subscribe(SHARD, &tenant("acme"));
        let last = FEED_CAPACITY as u64 + 10;
        for seq in 1..=last {
            bus.publish(SHARD, &tenant("acme"), Feed::Head(TenantSeq(seq)));
        }
        assert!(matches!(subscription.next().await, Some(Delivery::Missed)));
        let mut heard = Vec::new();
        while heard.last() != Some(&last) {
            heard.extend(head(&mut subscription).await);
        }
        assert_eq!(heard.len(), FEED_CAPACITY);
    }

    #[tokio::test]
    async fn channels_that_nobody_reads_are_let_go() {
        let bus = LocalBus::new();
        for at in 0..100 {
            drop(bus.subscribe(SHARD, &tenant(&format!("t{at}"))));
        }
        assert_eq!(bus.topics.read().unwrap().len(), 1);
    }
}
