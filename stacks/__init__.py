"""The cloud as Pulumi programs: datacenter, backup, extranet, migration, and the components they share."""
