//! What can be done to a key, as a definition and a sentence name it.

/// What can be done to a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyAct {
    #[default]
    Create,
    Rename,
    Pause,
    Rotate,
    Delete,
}

impl KeyAct {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Rename => "rename",
            Self::Pause => "pause",
            Self::Rotate => "rotate",
            Self::Delete => "delete",
        }
    }

    /// As in: the key was …
    pub fn past(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Rename => "renamed",
            Self::Pause => "paused",
            Self::Rotate => "rotated",
            Self::Delete => "deleted",
        }
    }
}
