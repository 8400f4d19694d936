import ArgumentParser

@main
struct Tern: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tern",
        abstract: "Converts, inspects, compares, evaluates and signs models for ternd; reads, sorts and de-identifies images; checks what a service did.",
        discussion: """
            A usual way:
              tern convert vit.safetensors --config vit.json --weights int8 -o vit.tern
              tern compare vit.tern --reference vit.safetensors --config vit.json image.png
              tern keygen signing.key
              tern sign vit.tern --key signing.key

            Images:
              tern decode cine.dcm
              tern series study/
              tern deidentify study/ shared/ --key project.key

            What a service did:
              tern audit verify /var/lib/tern
              tern replay /var/lib/tern --inputs archive/ --model vit.tern
            """,
        version: "0.1.0",
        subcommands: [
            ConvertCommand.self, InspectCommand.self, CompareCommand.self, EvalCommand.self, ExplainCommand.self, QualityCommand.self, RunCommand.self, DecodeCommand.self,
            SeriesCommand.self, SignCommand.self, VerifyCommand.self, KeygenCommand.self,
            DeidentifyCommand.self, AuditCommand.self, ReplayCommand.self,
        ])
}
