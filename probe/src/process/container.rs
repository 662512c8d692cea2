//! Which container a control group belongs to (cgroups(7)).

/// What runtimes put before and after an id in the name of a systemd scope.
const SCOPES: &[&str] = &["docker-", "libpod-", "cri-containerd-", "crio-", "nerdctl-"];
/// Directories below which Linux containers are named by their users.
const NAMED: &[&str] = &["lxc", "lxc.payload", "machine.slice"];
/// Directories whose children are containers: docker's and Kubernetes' ids have
/// 64 hex digits, and so has every other runtime's that uses ids.
const ID_LENGTH: usize = 64;

/// The container that `/proc/PID/cgroup` names: the id of docker, podman,
/// containerd, CRI-O or Kubernetes, the name of LXC or systemd-nspawn.
pub(super) fn id(cgroup: &str) -> Option<String> {
    cgroup.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        // The innermost container is the process's own.
        path.rsplit('/').find_map(by_id).or_else(|| by_name(path))
    })
}

/// Whether `id` is the container that a person named: by its name, or by its id or
/// the beginning of that, as runtimes print it.
pub(crate) fn is_named(id: &str, named: &str) -> bool {
    let is_id = id.len() == ID_LENGTH && id.bytes().all(|b| b.is_ascii_hexdigit());
    id == named || is_id && !named.is_empty() && id.starts_with(&named.to_ascii_lowercase())
}

fn by_id(name: &str) -> Option<String> {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    let prefixed = SCOPES.iter().find_map(|s| name.strip_prefix(s));
    // containerd's own paths read `kubepods-...:cri-containerd:ID`.
    let bare = prefixed.unwrap_or(name);
    let bare = bare.rsplit(':').next().unwrap_or(bare);
    let hex = bare.bytes().all(|b| b.is_ascii_hexdigit());
    let long = bare.len() == ID_LENGTH || prefixed.is_some() && bare.len() == 12;
    (hex && long).then(|| bare.to_owned())
}

fn by_name(path: &str) -> Option<String> {
    let mut names = path.split('/').filter(|n| !n.is_empty());
    while let Some(name) = names.next() {
        if let Some(name) = name.strip_prefix("lxc.payload.") {
            return Some(name.to_owned());
        }
        if NAMED.contains(&name) {
            let inside = names.next()?;
            let inside = inside.strip_suffix(".scope").unwrap_or(inside);
            let machine = inside.strip_prefix("machine-").unwrap_or(inside);
            let is_scope = name != "machine.slice" || machine != inside;
            return is_scope.then(|| machine.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "7be92808767a667f35c8505cbf40d14e931ef6db5b0210329cf193b15ba9d605";

    fn check(cgroup: &str, expected: Option<&str>) {
        assert_eq!(id(&cgroup.replace("ID", ID)).as_deref(), expected, "{cgroup}");
    }

    #[test]
    fn runtimes() {
        check("0::/system.slice/docker-ID.scope", Some(ID));
        check("12:pids:/docker/ID\n11:cpu:/docker/ID\n0::/docker/ID\n", Some(ID));
        check("0::/machine.slice/libpod-ID.scope/container", Some(ID));
        check(
            "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope",
            Some(ID),
        );
        check("0::/kubepods.slice/kubepods-pod1234.slice/cri-containerd-ID.scope", Some(ID));
        check("0::/kubepods/besteffort/pod0a1b-22/ID", Some(ID));
        check("1:name=systemd:/kubepods-besteffort-pod1.slice:cri-containerd:ID", Some(ID));
        check("0::/crio-7be92808767a.scope", Some("7be92808767a"));
        check("0::/default/ID", Some(ID));
        check("0::/lxc/web/init.scope", Some("web"));
        check("0::/lxc.payload.web/system.slice/cron.service", Some("web"));
        check("0::/machine.slice/machine-debian.scope/payload", Some("debian"));
    }

    #[test]
    fn named() {
        let check = |id, name, expected| assert_eq!(is_named(id, name), expected, "{name}");
        check(ID, ID, true);
        check(ID, &ID[..12], true);
        check(ID, "7BE9", true);
        check(ID, &ID[1..12], false);
        check(ID, "", false);
        check("web", "web", true);
        check("web", "we", false);
        check("7be92808767a", "7be9", false);
    }

    #[test]
    fn none() {
        check("0::/", None);
        check("", None);
        check("rubbish", None);
        check("0::/user.slice/user-1000.slice/session-2.scope", None);
        check("0::/system.slice/docker.service", None);
        check("0::/system.slice/7be92808767a", None);
        check("0::/machine.slice/other.service", None);
    }
}
