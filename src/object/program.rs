//! Which ingress controller a Pod runs, and what its command line says of certificates.

use super::{Key, Text};

/// A controller whose program can be told by its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Software {
    /// The community's ingress-nginx, and what distributions build of it.
    IngressNginx,
    /// Traefik.
    Traefik,
}

/// What a container that is an ingress controller says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// What it is.
    pub software: Software,
    /// The `IngressClass.spec.controller` that it serves beside its own, or in place of the usual one.
    pub controller_name: Text,
    /// The Secret of its default certificate, where its command line names one.
    pub default_certificate: Option<Key>,
}

/// The controller name of ingress-nginx where nothing else is said, which Traefik's provider for it takes too.
pub const INGRESS_NGINX: &str = "k8s.io/ingress-nginx";

impl Program {
    /// Of a container's image and of its command with all arguments; `None` for any other container, and for a Traefik that
    /// serves no class of ingress-nginx.
    ///
    /// Flags are those of ingress-nginx v1.15 (`pkg/flags/flags.go`) and of Traefik v3.7 (`pkg/provider/kubernetes/ingress-nginx`);
    /// both take one or two dashes, and Traefik any case.
    ///
    /// ```
    /// use kubectl_certs::object::program::{Program, Software};
    ///
    /// let image = "registry.k8s.io/ingress-nginx/controller:v1.15.1";
    /// let arguments = ["/nginx-ingress-controller", "--default-ssl-certificate=edge/wildcard"];
    /// let program = Program::of(image, &arguments).expect("a controller");
    /// assert_eq!(program.software, Software::IngressNginx);
    /// assert_eq!(program.default_certificate.expect("named").to_string(), "edge/wildcard");
    /// ```
    pub fn of<T: AsRef<str>>(image: &str, arguments: &[T]) -> Option<Self> {
        match software(image, arguments)? {
            Software::IngressNginx => {
                let default = value(arguments, "default-ssl-certificate");
                Some(Self {
                    software: Software::IngressNginx,
                    controller_name: value(arguments, "controller-class").unwrap_or(INGRESS_NGINX).into(),
                    default_certificate: default
                        .and_then(|text| text.split_once('/'))
                        .map(|(namespace, name)| Key::new(namespace, name)),
                })
            }
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
                    default_certificate: None,
                })
            }
        }
    }
}

/// What a container is by its image, or by its command where the image has a name of the house.
fn software<T: AsRef<str>>(image: &str, arguments: &[T]) -> Option<Software> {
    let bare = image.split('@').next().unwrap_or_default();
    let (path, last) = bare.rsplit_once('/').unwrap_or(("", bare));
    let last = last.split(':').next().unwrap_or_default();
    let command = arguments
        .first()
        .map(|first| first.as_ref().rsplit('/').next().unwrap_or_default());
    let nginx = last.contains("nginx-ingress-controller")
        || (path.ends_with("ingress-nginx") && last.starts_with("controller"))
        || arguments
            .iter()
            .take(3)
            .any(|argument| argument.as_ref().rsplit('/').next() == Some("nginx-ingress-controller"));
    match () {
        () if nginx => Some(Software::IngressNginx),
        () if last == "traefik" || command == Some("traefik") => Some(Software::Traefik),
        () => None,
    }
}

/// An argument's name, without dashes and value.
fn name(argument: &str) -> &str {
    let bare = argument.trim_start_matches('-');
    bare.split('=').next().unwrap_or(bare)
}

/// The value of a flag: behind `=`, or the next argument.
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
        let told = |image, arguments: &[&str]| Program::of(image, arguments).map(|p| (p.software, p.controller_name));
        let nginx = Some((Software::IngressNginx, INGRESS_NGINX.into()));
        for image in [
            "registry.k8s.io/ingress-nginx/controller:v1.15.1@sha256:00",
            "mirror.corp:5000/ingress-nginx/controller-chroot",
            "rancher/nginx-ingress-controller:v1.14",
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
        let told = |arguments: &[&str]| Program::of("docker.io/traefik:v3.7.9", arguments).map(|p| p.controller_name);
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
    fn flags_are_read_with_their_value_behind_or_after() {
        let of = |arguments: &[&str]| Program::of("x/nginx-ingress-controller", arguments).unwrap();
        let second = of(&["--controller-class", "k8s.io/internal", "-default-ssl-certificate=a/b"]);
        assert_eq!(second.controller_name, "k8s.io/internal");
        assert_eq!(second.default_certificate, Some(Key::new("a", "b")));
        assert_eq!(of(&["--default-ssl-certificate="]).default_certificate, None);
    }
}
