//! Panics, which the server confines: none may happen at all.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    /// What panicked first on this thread since a seed began; none outside of seeds.
    static FIRST: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// From here on this thread's panics are remembered and not printed.
pub(crate) fn begin() {
    HOOK.call_once(|| {
        let printed = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let remembered = FIRST.with_borrow_mut(|first| match first {
                Some(first) => {
                    first.get_or_insert_with(|| panic.to_string());
                    true
                }
                None => false,
            });
            if !remembered {
                printed(panic);
            }
        }));
    });
    FIRST.set(Some(None));
}

/// What panicked first since [`begin`].
pub(crate) fn end() -> Option<String> {
    FIRST.take().flatten()
}
