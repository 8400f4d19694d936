import ArgumentParser
import TernConvert
import TernModel
import TernPlatform

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Prints everything in a model file.",
        discussion: """
            Example:
              tern inspect vit.tern
              tern inspect vit.tern --json | jq .operations
            """)
    @Argument(help: "Model file.") var model: String
    @Flag(help: "One JSON object instead of text.") var json = false

    func run() throws {
        try reporting {
            let file = try openModel(model)
            let report = try ModelReport(file)
            print(json ? report.json.text : report.text)
        }
    }
}
