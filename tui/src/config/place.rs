//! Whose configuration it is: that of the user behind sudo.

use std::ffi::{CString, OsString};
use std::path::PathBuf;

use nix::unistd::{Gid, Uid, User, getgrouplist};

/// The user who runs llmtop, behind sudo where it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invoker {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// The user behind sudo; `None` where sudo is not used, or by root itself.
pub fn invoker() -> Option<Invoker> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let number = |name| std::env::var(name).ok()?.parse().ok();
    let uid = number("SUDO_UID")?;
    (uid != 0).then_some(Invoker { uid, gid: number("SUDO_GID")? })
}

/// The groups of a user, as the system knows them (nsswitch.conf(5)); of one that it
/// does not know, the first one alone.
pub fn groups_of(user: Invoker) -> Vec<u32> {
    let gid = Gid::from_raw(user.gid);
    let name = account(user.uid).and_then(|account| CString::new(account.name).ok());
    let groups = name.and_then(|name| getgrouplist(&name, gid).ok());
    groups.unwrap_or_else(|| vec![gid]).into_iter().map(Gid::as_raw).collect()
}

/// The name and the home directory of a user.
pub fn account_of(user: Invoker) -> Option<(String, PathBuf)> {
    Some((account(user.uid)?.name, home_of(user.uid)?))
}

/// Where the configuration file lies: below `XDG_CONFIG_HOME` or `~/.config`
/// (XDG Base Directory Specification) of the user behind sudo. `None`: there
/// is no home directory.
pub fn default_path() -> Option<PathBuf> {
    let base = match invoker() {
        // The environment is root's here, or half the user's.
        Some(user) => home_of(user.uid)?.join(".config"),
        None => from_environment("XDG_CONFIG_HOME", ".config")?,
    };
    Some(base.join("llmtop").join("config.toml"))
}

/// Where the results of searching programs are kept: below `XDG_CACHE_HOME` or
/// `~/.cache` of the user with whose rights llmtop runs. Behind sudo that is root,
/// who relies on them. `None`: there is no home directory.
pub fn cache_path() -> Option<PathBuf> {
    let base = match invoker() {
        Some(_) => home_of(0)?.join(".cache"),
        None => from_environment("XDG_CACHE_HOME", ".cache")?,
    };
    Some(base.join("llmtop").join("stacks.json"))
}

/// The folder that `variable` names, or that of this name in the home directory.
pub(super) fn from_environment(variable: &str, name: &str) -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
    set(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(name)))
}

/// The user id of a name.
pub fn uid_of(name: &str) -> Option<u32> {
    Some(User::from_name(name).ok()??.uid.as_raw())
}

/// The home directory of a user.
pub(super) fn home_of(uid: u32) -> Option<PathBuf> {
    account(uid).map(|account| account.dir).filter(|home| home.is_absolute())
}

/// What the system knows of a user: from `/etc/passwd`, or from wherever else
/// nsswitch.conf(5) has it look.
fn account(uid: u32) -> Option<User> {
    User::from_uid(Uid::from_raw(uid)).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_names_and_groups() {
        assert_eq!(home_of(0), Some("/root".into()));
        assert_eq!(uid_of("root"), Some(0));
        assert_eq!(groups_of(Invoker { uid: 0, gid: 0 }), [0]);
        assert_eq!(account_of(Invoker { uid: 0, gid: 0 }).unwrap().0, "root");
        let nobody = Invoker { uid: 4_000_000_000, gid: 7 };
        assert_eq!((home_of(nobody.uid), uid_of("no such user")), (None, None));
        assert_eq!(groups_of(nobody), [7]);
        assert_eq!(account_of(nobody), None);
    }
}
