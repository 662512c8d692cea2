//! Whose configuration it is: that of the user behind sudo.

use std::ffi::OsString;
use std::path::PathBuf;

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

/// The groups of a user: the first one, and those that `/etc/group` names.
pub fn groups_of(user: Invoker) -> Vec<u32> {
    let of = |path| std::fs::read(path).unwrap_or_default();
    groups_in(&of("/etc/passwd"), &of("/etc/group"), user)
}

/// The name and the home directory of a user, by `/etc/passwd`.
pub fn account_of(user: Invoker) -> Option<(String, PathBuf)> {
    let passwd = std::fs::read("/etc/passwd").ok()?;
    Some((name_of(&passwd, user.uid)?, home_of(&passwd, user.uid)?))
}

/// Where the configuration file lies: below `XDG_CONFIG_HOME` or `~/.config`
/// (XDG Base Directory Specification) of the user behind sudo. `None`: there
/// is no home directory.
pub fn default_path() -> Option<PathBuf> {
    let base = match invoker() {
        // The environment is root's here, or half the user's.
        Some(user) => home_of(&std::fs::read("/etc/passwd").ok()?, user.uid)?.join(".config"),
        None => from_environment("XDG_CONFIG_HOME", ".config")?,
    };
    Some(base.join("llmtop").join("config.toml"))
}

/// Where the results of searching programs are kept: below `XDG_CACHE_HOME` or
/// `~/.cache` of the user with whose rights llmtop runs. Behind sudo that is root,
/// who relies on them. `None`: there is no home directory.
pub fn cache_path() -> Option<PathBuf> {
    let base = match invoker() {
        Some(_) => home_of(&std::fs::read("/etc/passwd").ok()?, 0)?.join(".cache"),
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

/// The user id of a name, by `/etc/passwd`.
pub fn uid_of(name: &str) -> Option<u32> {
    uid_in(&std::fs::read("/etc/passwd").ok()?, name)
}

/// The home directory of a user in `passwd(5)`.
pub(super) fn home_of(passwd: &[u8], uid: u32) -> Option<PathBuf> {
    let home = find(passwd, |fields| {
        (fields.get(2)?.parse() == Ok(uid)).then(|| fields.get(5).map(PathBuf::from))?
    })?;
    Some(home).filter(|path| path.is_absolute())
}

/// The groups of a user, by `passwd(5)` and `group(5)`.
fn groups_in(passwd: &[u8], group: &[u8], user: Invoker) -> Vec<u32> {
    let mut groups = vec![user.gid];
    let Some(name) = name_of(passwd, user.uid) else { return groups };
    for line in String::from_utf8_lossy(group).lines() {
        let fields: Vec<_> = line.split(':').collect();
        if let [_, _, gid, members] = fields[..]
            && members.split(',').any(|member| member == name)
            && let Ok(gid) = gid.parse()
            && !groups.contains(&gid)
        {
            groups.push(gid);
        }
    }
    groups
}

fn name_of(passwd: &[u8], uid: u32) -> Option<String> {
    find(passwd, |fields| {
        (fields.get(2)?.parse() == Ok(uid))
            .then(|| fields.first().map(|name| (*name).to_owned()))?
    })
}

fn uid_in(passwd: &[u8], name: &str) -> Option<u32> {
    find(
        passwd,
        |fields| if fields.first() == Some(&name) { fields.get(2)?.parse().ok() } else { None },
    )
}

/// The first line of `passwd(5)` of which something is found.
fn find<T>(passwd: &[u8], of: impl Fn(&[&str]) -> Option<T>) -> Option<T> {
    let passwd = String::from_utf8_lossy(passwd);
    passwd.lines().find_map(|line| of(&line.split(':').collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_and_names() {
        let passwd =
            b"root:x:0:0:root:/root:/bin/bash\nbroken\nann:x:1000:1000:A:/home/ann:/bin/sh\n";
        assert_eq!(home_of(passwd, 1000), Some("/home/ann".into()));
        assert_eq!(home_of(passwd, 1001), None);
        assert_eq!(uid_in(passwd, "ann"), Some(1000));
        assert_eq!(uid_in(passwd, "broken"), None);
        let group = b"adm:x:4:syslog,ann\nann:x:1000:ann\nbroken:ann\nanna:x:7:anna\nbad:x:y:ann\n";
        let groups = |uid, gid| groups_in(passwd, group, Invoker { uid, gid });
        assert_eq!(groups(1000, 1000), [1000, 4]);
        assert_eq!(groups(1001, 1001), [1001]);
    }
}
