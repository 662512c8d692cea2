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

/// Where the configuration file lies: below `XDG_CONFIG_HOME` or `~/.config`
/// (XDG Base Directory Specification) of the user behind sudo. `None`: there
/// is no home directory.
pub fn default_path() -> Option<PathBuf> {
    let base = match invoker() {
        // The environment is root's here, or half the user's.
        Some(user) => home_of(&std::fs::read("/etc/passwd").ok()?, user.uid)?.join(".config"),
        None => {
            let set = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
            set("XDG_CONFIG_HOME")
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".config")))?
        }
    };
    Some(base.join("llmtop").join("config.toml"))
}

/// The home directory of a user in `passwd(5)`.
fn home_of(passwd: &[u8], uid: u32) -> Option<PathBuf> {
    let passwd = String::from_utf8_lossy(passwd);
    let home = passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2)?.parse() == Ok(uid)).then(|| fields.get(5).copied())?
    })?;
    Some(PathBuf::from(home)).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes() {
        let passwd =
            b"root:x:0:0:root:/root:/bin/bash\nbroken\nann:x:1000:1000:A:/home/ann:/bin/sh\n";
        assert_eq!(home_of(passwd, 1000), Some("/home/ann".into()));
        assert_eq!(home_of(passwd, 1001), None);
    }
}
