import Foundation
import TernConvert
import TernEngine
import TernFindings
import TernImage
import TernModel
import TernPlatform
import TernPrepare

extension ExplainCommand {
    /// Writes the maps of every image: their numbers, and a picture of each.
    func explainImages(_ file: ModelFile) throws(Failure) {
        let folder = out ?? ""
        var labels = file.labels.labels.filter(\.isReported)
        if let label {
            let index = try outputIndex(of: label, file)
            labels = file.labels.labels.filter { $0.outputIndex == index }
        }
        guard !labels.isEmpty else { throw Failure(.badInput, "\(model) reports no label; name one with --label") }
        let paths = try imageFiles(images)
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw Failure(.inputOutput, "cannot make the folder \(folder): \(error.localizedDescription)")
        }
        let engine = try openEngine(file, isa: isa, threads: 1, makesMaps: true)
        var progress = ProgressBar("explaining", total: paths.count)
        var taken: Set<String> = []
        for (index, path) in paths.enumerated() {
            var name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
            // Files of several folders may share a name.
            if !taken.insert(name).inserted {
                name += "-\(index + 1)"
                taken.insert(name)
            }
            try explain(path, engine, labels, to: folder + "/" + name)
            progress.update(index + 1)
        }
        print("maps of \(paths.count) \(paths.count == 1 ? "image" : "images") in \(folder)")
    }

    private func explain(_ path: String, _ engine: Engine, _ labels: [Label], to place: String) throws(Failure) {
        let file = engine.model
        let (opened, image) = try decodedImage(path)
        let outputs = try infer(engine, try preparedImage(opened, image, file, name: path))
        let scores = Scores.scores(of: outputs.span, labels: file.labels)
        let area = usedArea(width: image.width, height: image.height, recipe: file.recipe)
        var found: [JSONValue] = []
        for label in labels {
            let (values, base) = try modelMap(engine, label.outputIndex)
            found.append(
                ExplainCommand.object(
                    ("label", .string(label.name)), ("score", ExplainCommand.real(scores[label.outputIndex])),
                    ("output", ExplainCommand.real(outputs[label.outputIndex])), ("base", ExplainCommand.real(base)),
                    ("values", .array(values.map(ExplainCommand.real)))))
        }
        let shape = engine.mapShape
        let json = ExplainCommand.object(
            ("schema", .string("tern.map/1")), ("file", .string(URL(fileURLWithPath: path).lastPathComponent)),
            (
                "model",
                ExplainCommand.object(
                    ("name", .string(file.header.name)), ("version", .string(file.header.version)), ("digest", .string(Hexadecimal.string(file.identity))))
            ),
            ("width", .number(Double(image.width))), ("height", .number(Double(image.height))),
            (
                "area",
                ExplainCommand.object(
                    ("x", .number(Double(area.x))), ("y", .number(Double(area.y))), ("width", .number(Double(area.width))),
                    ("height", .number(Double(area.height))))
            ),
            ("method", .string(shape?.method.word ?? "")), ("columns", .number(Double(shape?.columns ?? 0))),
            ("rows", .number(Double(shape?.rows ?? 0))), ("maps", .array(found)))
        try writeFile(Array((json.text + "\n").utf8), to: place + ".json")
    }

    private static func object(_ members: (String, JSONValue)...) -> JSONValue { .object(members.map { JSONMember($0.0, $0.1) }) }

    /// The shortest decimal that reads back as the same binary32 value.
    private static func real(_ value: Float) -> JSONValue { .number(Double("\(value)") ?? Double(value)) }
}
