//! Where programs and libraries with a TLS stack of their own are installed, so
//! that they are probed before their first run.

use std::path::{Path, PathBuf};

use super::Found;
use super::mounts::Mounts;

/// Directories whose files are all looked at.
const DIRECTORIES: &[&str] =
    &["/usr/bin", "/usr/local/bin", "/usr/local/lib", "/usr/local/ssl/lib"];

/// Single files; `*` stands for any one name.
const SYSTEM: &[&str] = &[
    "/opt/*/bin/node",
    "/opt/*/lib/libssl.so.*",
    "/usr/lib/nodejs/*/bin/node",
    // As Debian has it, and as Mozilla does.
    "/usr/lib/firefox*/libssl3.so",
    "/usr/lib/firefox*/libnss3.so",
    "/opt/firefox*/libnss3.so",
];

/// The same, below every home directory.
const HOME: &[&str] = &[
    ".nvm/versions/node/*/bin/node",
    ".volta/tools/image/node/*/bin/node",
    ".fnm/node-versions/*/installation/bin/node",
    ".local/share/fnm/node-versions/*/installation/bin/node",
    ".local/share/mise/installs/node/*/bin/node",
    ".asdf/installs/nodejs/*/bin/node",
    ".nodenv/versions/*/bin/node",
    "n/bin/node",
    ".local/share/uv/python/*/lib/libpython3.*",
    ".pyenv/versions/*/lib/libssl.so.*",
    ".pyenv/versions/*/openssl/lib/libssl.so.*",
    "miniconda3/lib/libssl.so.*",
    "miniconda3/envs/*/lib/libssl.so.*",
    "anaconda3/lib/libssl.so.*",
    "anaconda3/envs/*/lib/libssl.so.*",
    "miniforge3/lib/libssl.so.*",
    "miniforge3/envs/*/lib/libssl.so.*",
    ".linuxbrew/lib/libssl.so.*",
];

/// Programs that carry a TLS library inside and talk to models, which only a search
/// of the file tells. Names are hints: what they lead to is judged by content.
const CLIENTS: &[&str] = &[
    "/usr/bin/bun",
    "/usr/bin/claude",
    "/usr/bin/codex",
    "/usr/bin/deno",
    "/usr/bin/opencode",
    "/usr/local/bin/bun",
    "/usr/local/bin/claude",
    "/usr/local/bin/codex",
    "/usr/local/bin/deno",
    "/usr/local/bin/opencode",
];

/// The same, below each place where npm installs.
const PACKAGES: &[&str] = &[
    "@anthropic-ai/claude-code-linux-*/claude",
    "@anthropic-ai/claude-code/node_modules/@anthropic-ai/claude-code-linux-*/claude",
    "@oven/bun-linux-*/bin/bun",
    "bun/node_modules/@oven/bun-linux-*/bin/bun",
    "bun/bin/bun.exe",
    "@openai/codex/node_modules/@openai/codex-linux-*/vendor/*/bin/codex",
    "@openai/codex/vendor/*/codex/codex",
    "opencode-ai/node_modules/opencode-linux-*/bin/opencode",
    "deno/node_modules/@deno/linux-*/deno",
    "@factory/cli/node_modules/@factory/cli-linux-*/bin/droid",
    "@kilocode/cli/node_modules/@kilocode/cli-linux-*/bin/kilo",
];
const NPM: &[&str] = &["/usr/lib/node_modules", "/usr/local/lib/node_modules"];
const NPM_HOME: &[&str] = &[
    ".nvm/versions/node/*/lib/node_modules",
    ".npm-global/lib/node_modules",
    ".bun/install/global/node_modules",
];

/// The same, below every home directory.
const CLIENTS_HOME: &[&str] = &[
    ".bun/bin/bun",
    ".local/bin/claude",
    ".local/bin/codex",
    ".local/share/claude/versions/*",
    ".opencode/bin/opencode",
    ".deno/bin/deno",
    ".cache/copilot/pkg/*/*/prebuilds/*/runtime.node",
    ".claude/local/node_modules/@anthropic-ai/claude-code-linux-*/claude",
    ".cargo/bin/codex",
    ".grok/bin/grok",
];

/// The most names taken of one directory.
const MAX_NAMES: usize = 8192;

/// Candidates on this machine, not yet looked at. A file may be named twice: first
/// as a client.
pub(super) fn candidates() -> Vec<(PathBuf, Found)> {
    let clients = clients().into_iter().map(|path| (path, Found::Client));
    clients.chain(installed().into_iter().map(|path| (path, Found::Installed))).collect()
}

fn clients() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let root = Path::new("/");
    for pattern in CLIENTS {
        expand(root, pattern.trim_start_matches('/'), &mut found);
    }
    let mut packages = Vec::new();
    for pattern in NPM {
        expand(root, pattern.trim_start_matches('/'), &mut packages);
    }
    for home in homes() {
        for pattern in CLIENTS_HOME {
            expand(&home, pattern, &mut found);
        }
        for pattern in NPM_HOME {
            expand(&home, pattern, &mut packages);
        }
    }
    for place in packages {
        for pattern in PACKAGES {
            expand(&place, pattern, &mut found);
        }
    }
    found
}

fn installed() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for directory in DIRECTORIES {
        found.extend(names(Path::new(directory)));
    }
    for pattern in SYSTEM {
        expand(Path::new("/"), pattern.trim_start_matches('/'), &mut found);
    }
    for home in homes() {
        for pattern in HOME {
            expand(&home, pattern, &mut found);
        }
    }
    found
}

/// Every user's home, but for those on other machines: what is run there is found when
/// it runs.
fn homes() -> Vec<PathBuf> {
    let mounts = Mounts::now();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let near = Some(Path::new("/home")).filter(|home| !mounts.is_remote(home));
    let mut homes: Vec<PathBuf> = users
        .lines()
        .filter_map(|line| line.split(':').nth(5))
        .filter(|home| home.starts_with('/') && home.len() > 1)
        .map(PathBuf::from)
        .chain(near.map(names).unwrap_or_default())
        .filter(|home| !mounts.is_remote(home))
        .collect();
    homes.sort_unstable();
    homes.dedup();
    homes
}

fn names(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let paths = entries.take(MAX_NAMES).filter_map(Result::ok);
    paths.map(|e| e.path()).collect()
}

/// Appends the paths under `base` that match `pattern`, in which one `*` a name
/// is allowed.
fn expand(base: &Path, pattern: &str, found: &mut Vec<PathBuf>) {
    let (name, rest) = match pattern.split_once('/') {
        Some((name, rest)) => (name, Some(rest)),
        None => (pattern, None),
    };
    let matching = match name.split_once('*') {
        None => vec![base.join(name)],
        Some((head, tail)) => {
            let matches = |path: &PathBuf| {
                let name = path.file_name().and_then(|n| n.to_str());
                name.is_some_and(|n| {
                    n.len() >= head.len() + tail.len() && n.starts_with(head) && n.ends_with(tail)
                })
            };
            names(base).into_iter().filter(matches).collect()
        }
    };
    for path in matching {
        match rest {
            Some(rest) => expand(&path, rest, found),
            None if path.exists() => found.push(path),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let root = tempfile::tempdir().unwrap();
        for file in ["v1/bin/node", "v2/bin/node", "v2/bin/npm", "lib/libssl.so.3", "lib/libssl.a"]
        {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let check = |pattern: &str, expected: &[&str]| {
            let mut found = Vec::new();
            expand(root.path(), pattern, &mut found);
            found.sort();
            let expected: Vec<_> = expected.iter().map(|e| root.path().join(e)).collect();
            assert_eq!(found, expected, "{pattern}");
        };
        check("*/bin/node", &["v1/bin/node", "v2/bin/node"]);
        check("v2/bin/node", &["v2/bin/node"]);
        check("lib/libssl.so.*", &["lib/libssl.so.3"]);
        check("lib/libssl.so.*3", &["lib/libssl.so.3"]);
        check("lib/libssl.so.3*.3", &[]);
        check("v3/*/node", &[]);
    }
}
