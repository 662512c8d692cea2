//! Which conversations serve others: sub-agents, and what is asked on the side.

use std::collections::HashMap;

use llmtop_parsers::conversation::ConversationId;

use super::Store;

/// Conversations and what they serve.
#[derive(Debug, Default)]
pub(super) struct Family {
    parents: HashMap<ConversationId, ConversationId>,
    children: HashMap<ConversationId, Vec<ConversationId>>,
}

impl Family {
    fn adopt(&mut self, child: ConversationId, parent: ConversationId) {
        if self.parents.get(&child) == Some(&parent) || child == parent {
            return;
        }
        self.leave(child);
        self.parents.insert(child, parent);
        let children = self.children.entry(parent).or_default();
        if let Err(place) = children.binary_search(&child) {
            children.insert(place, child);
        }
    }

    fn leave(&mut self, child: ConversationId) {
        let Some(parent) = self.parents.remove(&child) else { return };
        if let Some(children) = self.children.get_mut(&parent) {
            children.retain(|&id| id != child);
            if children.is_empty() {
                self.children.remove(&parent);
            }
        }
    }

    /// Nothing is left of a conversation. What served it may still be there.
    pub(super) fn forget(&mut self, id: ConversationId) {
        self.leave(id);
        for child in self.children.remove(&id).unwrap_or_default() {
            self.parents.remove(&child);
        }
    }
}

impl Store {
    /// A conversation serves another one, as its requests tell.
    pub fn set_parent(&mut self, child: ConversationId, parent: ConversationId) {
        self.version += 1;
        self.family.adopt(child, parent);
    }

    /// The conversation that this one serves, where that is told.
    pub fn parent_of(&self, child: ConversationId) -> Option<ConversationId> {
        self.family.parents.get(&child).copied()
    }

    /// The conversations that serve this one, in order of their beginning.
    pub fn children_of(&self, parent: ConversationId) -> &[ConversationId] {
        self.family.children.get(&parent).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::{ConversationId as Id, Store};

    #[test]
    fn families_change_and_are_forgotten() {
        let mut store = Store::default();
        for (child, parent) in [(3, 1), (2, 1), (3, 1), (4, 2), (5, 5)] {
            store.set_parent(Id(child), Id(parent));
        }
        assert_eq!(store.children_of(Id(1)), [Id(2), Id(3)]);
        assert_eq!((store.parent_of(Id(4)), store.parent_of(Id(5))), (Some(Id(2)), None));
        store.set_parent(Id(3), Id(2));
        assert_eq!(store.children_of(Id(1)), [Id(2)]);
        assert_eq!(store.children_of(Id(2)), [Id(3), Id(4)]);
        store.family.forget(Id(2));
        assert!(store.family.parents.is_empty() && store.family.children.is_empty());
    }
}
