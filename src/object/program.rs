//! Which ingress controller a Pod runs, and what its command line configures for certificates.

use super::{Key, Text};

/// A controller that can be recognized by its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Software {
    /// The community's ingress-nginx, including builds of distributions.
    IngressNginx,
    /// Traefik.
    Traefik,
}

/// The properties of a container that runs an ingress controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Which controller it is.
    pub software: Software,
    /// The `IngressClass.spec.controller` that it serves in addition to its own, or instead of the usual one.
    pub controller_name: Text,
    /// The default certificate that its command line configures.
    pub default_certificate: DefaultSecret,
    /// Whether it may pass TLS through to the backend of an Ingress that asks for it. ingress-nginx does so only with
    /// `--enable-ssl-passthrough`, Traefik always.
    pub may_pass_through: bool,
}

/// The Secret of a controller's default certificate, according to its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultSecret {
    /// No Secret is configured: the controller generates a self-signed certificate.
    NotNamed,
    /// This Secret is configured.
    Named(Key),
    /// A variable whose value is not known configures the Secret.
    Unknown,
}

impl DefaultSecret {
    /// The Secret, if it is known.
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Named(key) => Some(key),
            Self::NotNamed | Self::Unknown => None,
        }
    }

    /// Reads the value of the flag for a Pod in `namespace` (empty if it is not known), with variables expanded like
    /// kubelet does (`third_party/forked/golang/expansion/expand.go`). `POD_NAMESPACE` is the namespace of the Pod in
    /// every chart of ingress-nginx and in its documentation. The values of other variables are not known, and the
    /// escape `$$` is not supported.
    fn of(value: Option<&str>, namespace: &str) -> Self {
        const POD_NAMESPACE: &str = "$(POD_NAMESPACE)";
        let Some(value) = value else {
            return Self::NotNamed;
        };
        let escaped = value.contains("$$");
        let value = if namespace.is_empty() || escaped {
            value.to_owned()
        } else {
            value.replace(POD_NAMESPACE, namespace)
        };
        if escaped || value.contains("$(") {
            return Self::Unknown;
        }
        value.split_once('/').map_or(Self::NotNamed, |(namespace, name)| {
            Self::Named(Key::new(namespace, name))
        })
    }
}

/// The default controller name of ingress-nginx, which Traefik's provider for ingress-nginx uses too.
pub const INGRESS_NGINX: &str = "k8s.io/ingress-nginx";

impl Program {
    /// Reads a container's image and its command with all arguments, in a Pod of `namespace` (empty if it is not
    /// known). Returns `None` for any other container, and for a Traefik that serves no class of ingress-nginx.
    ///
    /// The flags are those of ingress-nginx v1.15 (`pkg/flags/flags.go`) and of Traefik v3.7
    /// (`pkg/provider/kubernetes/ingress-nginx`). Both accept one or two dashes, and Traefik accepts any case.
    ///
    /// ```
    /// use kubectl_certs::object::{Key, program::{Program, Software}};
    ///
    /// let image = "registry.k8s.io/ingress-nginx/controller:v1.15.1";
    /// let arguments = ["/nginx-ingress-controller", "--default-ssl-certificate=$(POD_NAMESPACE)/wildcard"];
    /// let program = Program::of(image, &arguments, "edge").expect("a controller");
    /// assert_eq!(program.software, Software::IngressNginx);
    /// assert_eq!(program.default_certificate.key(), Some(&Key::new("edge", "wildcard")));
    /// assert!(!program.may_pass_through);
    /// ```
    pub fn of<T: AsRef<str>>(image: &str, arguments: &[T], namespace: &str) -> Option<Self> {
        match software(image, arguments)? {
            Software::IngressNginx => Some(Self {
                software: Software::IngressNginx,
                controller_name: value(arguments, "controller-class").unwrap_or(INGRESS_NGINX).into(),
                default_certificate: DefaultSecret::of(value(arguments, "default-ssl-certificate"), namespace),
                may_pass_through: may_be_on(arguments, "enable-ssl-passthrough"),
            }),
            Software::Traefik => {
                const PROVIDER: &str = "providers.kubernetesingressnginx";
                let flag = |argument: &T| name(argument.as_ref()).to_ascii_lowercase();
                let on = arguments.iter().any(|argument| {
                    let flag = flag(argument);
                    let off = argument.as_ref().to_ascii_lowercase().ends_with("=false");
                    flag.starts_with(PROVIDER) && !(flag == PROVIDER && off)
                });
                on.then(|| Self {
                    software: Software::Traefik,
                    controller_name: value(arguments, "providers.kubernetesingressnginx.controllerclass")
                        .unwrap_or(INGRESS_NGINX)
                        .into(),
                    default_certificate: DefaultSecret::NotNamed,
                    may_pass_through: true,
                })
            }
        }
    }
}

/// Recognizes a container by its image, or by its command if the image has an unfamiliar name.
///
/// Distributions name their images `rancher/nginx-ingress-controller` (RKE2), `bitnami/nginx-ingress-controller`,
/// `chainguard/ingress-nginx-controller`, `rancher/mirrored-library-traefik` (k3s), `rancher/hardened-traefik` (RKE2).
fn software<T: AsRef<str>>(image: &str, arguments: &[T]) -> Option<Software> {
    let bare = image.split('@').next().unwrap_or_default();
    let (path, last) = bare.rsplit_once('/').unwrap_or(("", bare));
    let last = last.split(':').next().unwrap_or_default();
    let command = arguments
        .first()
        .map(|first| first.as_ref().rsplit('/').next().unwrap_or_default());
    let nginx = last.contains("nginx-ingress-controller")
        || last.contains("ingress-nginx-controller")
        || (path.ends_with("ingress-nginx") && last.starts_with("controller"))
        || arguments
            .iter()
            .take(3)
            .any(|argument| argument.as_ref().rsplit('/').next() == Some("nginx-ingress-controller"));
    match () {
        () if nginx => Some(Software::IngressNginx),
        () if last == "traefik" || last.ends_with("-traefik") || command == Some("traefik") => Some(Software::Traefik),
        () => None,
    }
}

/// The name of an argument, without dashes and value.
fn name(argument: &str) -> &str {
    let bare = argument.trim_start_matches('-');
    bare.split('=').next().unwrap_or(bare)
}

/// Whether a boolean flag may be on: it is given, and not with a value that means off (Go's `strconv.ParseBool`).
fn may_be_on<T: AsRef<str>>(arguments: &[T], flag: &str) -> bool {
    const OFF: [&str; 6] = ["0", "f", "F", "false", "FALSE", "False"];
    let mut all = arguments.iter().map(AsRef::as_ref);
    // If a flag is repeated, the last one counts.
    all.rfind(|argument| argument.starts_with('-') && name(argument) == flag)
        .is_some_and(|argument| argument.split_once('=').is_none_or(|(_, value)| !OFF.contains(&value)))
}

/// The value of a flag, either after `=` or as the next argument.
fn value<'a, T: AsRef<str>>(arguments: &'a [T], flag: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| {
        let argument = argument.as_ref();
        argument.starts_with('-') && name(argument).eq_ignore_ascii_case(flag)
    })?;
    let argument = arguments[at].as_ref();
    let value = match argument.split_once('=') {
        Some((_, value)) => value,
        None => arguments.get(at + 1)?.as_ref(),
    };
    Some(value).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_is_told_by_image_or_command_and_its_neighbours_are_not() {
        let told =
            |image, arguments: &[&str]| Program::of(image, arguments, "edge").map(|p| (p.software, p.controller_name));
        let nginx = Some((Software::IngressNginx, INGRESS_NGINX.into()));
        for image in [
            "registry.k8s.io/ingress-nginx/controller:v1.15.1@sha256:00",
            "mirror.corp:5000/ingress-nginx/controller-chroot",
            "rancher/nginx-ingress-controller:v1.14.3-hardened1",
            "docker.io/bitnamilegacy/nginx-ingress-controller:1.13",
            "cgr.dev/chainguard/ingress-nginx-controller:latest",
        ] {
            assert_eq!(told(image, &[]), nginx, "{image}");
        }
        assert_eq!(
            told(
                "corp/edge:7",
                &["/usr/bin/dumb-init", "--", "/nginx-ingress-controller"]
            ),
            nginx
        );
        for image in [
            "registry.k8s.io/ingress-nginx/kube-webhook-certgen:v1.6",
            "nginx/nginx-ingress:5.2",
            "nginx:1.29",
            "traefik:v3.7",
        ] {
            assert_eq!(told(image, &[]), None, "{image}");
        }
    }

    #[test]
    fn traefik_stands_behind_the_name_where_its_provider_is_on() {
        let told =
            |arguments: &[&str]| Program::of("docker.io/traefik:v3.7.9", arguments, "edge").map(|p| p.controller_name);
        assert_eq!(
            told(&["--providers.kubernetesIngressNGINX"]),
            Some(INGRESS_NGINX.into())
        );
        assert_eq!(
            told(&[
                "--providers.kubernetesingressnginx=true",
                "--providers.kubernetesIngressNGINX.controllerClass=k8s.io/old"
            ]),
            Some("k8s.io/old".into())
        );
        assert_eq!(told(&["--providers.kubernetesingressnginx=false"]), None);
        assert_eq!(told(&["--providers.kubernetesingress"]), None);
    }

    #[test]
    fn traefik_as_distributions_bring_it_is_traefik() {
        // These containers have arguments and no command; the first argument is a flag.
        let arguments = [
            "--entryPoints.web.address=:8000/tcp",
            "--providers.kubernetesingressnginx",
        ];
        for image in [
            "rancher/mirrored-library-traefik:3.7.4",
            "rancher/hardened-traefik:v3.6.16-build20260714",
            "registry.corp:5000/rancher/mirrored-library-traefik@sha256:00",
            "ghcr.io/traefik/traefik:v3.7.9",
        ] {
            let program = Program::of(image, &arguments, "kube-system");
            assert_eq!(program.map(|p| p.software), Some(Software::Traefik), "{image}");
        }
        for image in ["traefik/whoami:v1.11", "corp/traefik-forward-auth:2", "nottraefik:1"] {
            assert_eq!(Program::of(image, &arguments, "kube-system"), None, "{image}");
        }
    }

    fn nginx(arguments: &[&str], namespace: &str) -> Program {
        Program::of("x/nginx-ingress-controller", arguments, namespace).expect("a controller")
    }

    #[test]
    fn flags_are_read_with_their_value_behind_or_after() {
        let second = nginx(
            &["--controller-class", "k8s.io/internal", "-default-ssl-certificate=a/b"],
            "",
        );
        assert_eq!(second.controller_name, "k8s.io/internal");
        assert_eq!(second.default_certificate, DefaultSecret::Named(Key::new("a", "b")));
        let empty = nginx(&["--default-ssl-certificate="], "");
        assert_eq!(empty.default_certificate, DefaultSecret::NotNamed);
    }

    #[test]
    fn the_namespace_of_the_pod_is_put_in_and_no_other_variable_is_taken_for_a_name() {
        let of = |value: &str, namespace: &str| {
            let flag = format!("--default-ssl-certificate={value}");
            nginx(&[flag.as_str()], namespace).default_certificate
        };
        let wild = DefaultSecret::Named(Key::new("edge", "wild"));
        assert_eq!(of("$(POD_NAMESPACE)/wild", "edge"), wild);
        assert_eq!(of("$(POD_NAMESPACE)/wild", ""), DefaultSecret::Unknown);
        for value in ["$(CERTIFICATE)", "$(POD_NAMESPACE)/$(NAME)", "$$(POD_NAMESPACE)/wild"] {
            assert_eq!(of(value, "edge"), DefaultSecret::Unknown, "{value}");
        }
    }

    #[test]
    fn tls_is_passed_through_where_the_flag_is_on_or_may_be() {
        for (arguments, may) in [
            (&[][..], false),
            (&["--enable-ssl-passthrough"], true),
            (&["-enable-ssl-passthrough=true"], true),
            (&["--enable-ssl-passthrough=$(PASS)"], true),
            (&["--enable-ssl-passthrough=false"], false),
            (&["--enable-ssl-passthrough", "--enable-ssl-passthrough=false"], false),
            (&["--enable-ssl-chain-completion"], false),
        ] {
            assert_eq!(nginx(arguments, "edge").may_pass_through, may, "{arguments:?}");
        }
    }
}
