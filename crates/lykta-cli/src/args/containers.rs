//! What may come out of archives, crawls, mail and documents.

use clap::Args;
use lykta::source::container::Limits;

use super::size;

/// Budgets count work and not time, so results do not depend on the machine.
#[derive(Args, Clone, Debug)]
pub(crate) struct ContainerArgs {
    /// Compare archives, crawls, mail and documents as whole files, and do not look into them or into pictures
    #[arg(long)]
    no_containers: bool,
    /// Containers within one another, at most
    #[arg(long, value_name = "N", default_value_t = Limits::default().nesting, value_parser = clap::value_parser!(u32).range(1..=64))]
    max_nesting: u32,
    /// Members of one container, at most
    #[arg(long, value_name = "N", default_value_t = Limits::default().members)]
    max_members: u64,
    /// Bytes out of one container, at most
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "1T")]
    max_container_bytes: u64,
    /// Bytes out of a container for each of its own, at most, once 10 MiB have come out; also out of all containers
    /// in one file
    #[arg(long, value_name = "N", default_value_t = Limits::default().ratio)]
    max_ratio: u64,
    /// Memory for containers that must be held to be looked into: those in other containers, and mail
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "128M")]
    container_memory: u64,
}

impl ContainerArgs {
    /// The limits; none where containers are not to be looked into.
    pub(crate) fn limits(&self) -> Option<Limits> {
        (!self.no_containers).then_some(Limits {
            nesting: self.max_nesting,
            members: self.max_members,
            bytes: self.max_container_bytes,
            ratio: self.max_ratio,
            memory: self.container_memory,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        containers: ContainerArgs,
    }

    #[test]
    fn what_is_not_said_is_what_the_library_does() {
        assert_eq!(Command::parse_from(["scan"]).containers.limits(), Some(Limits::default()));
        assert_eq!(Command::parse_from(["scan", "--no-containers"]).containers.limits(), None);
    }
}
