import Foundation
import TernConvert
import TernEngine
import TernFindings
import TernImage
import TernJPEG
import TernModel
import TernPlatform
import TernPrepare
import TernRegions

extension ExplainCommand {
    /// Longest side of a picture; a larger image is shrunk.
    private static let limitPictureSide = 1024
    /// Edges of boxes stay clean.
    private static let quality = 90

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
        guard let shown = shownImage(of: image, limitSide: ExplainCommand.limitPictureSide) else { throw Failure(.badInput, "\(path) cannot be shown") }
        var found: [JSONValue] = []
        for (label, name) in zip(labels, mapFileNames(of: labels.map(\.name))) {
            let (values, base) = try labelMap(engine, label.outputIndex)
            let map = LocationMap(
                method: engine.mapShape?.method == .tokenRelevance ? .tokenRelevance : .patchShares, label: label.name, columns: engine.mapShape?.columns ?? 0,
                rows: engine.mapShape?.rows ?? 0, values: values, area: area)
            let location = FindingLocation(of: map, imageWidth: image.width, imageHeight: image.height, attributes: opened.attributes)
            let evidence = Evidence(frame: 1, picture: shown, maps: [map], imageWidth: image.width, imageHeight: image.height)
            let picture = Overlay.picture(of: map, regions: location.regions, over: evidence)
            try writeFile(JPEGEncoder.encode(picture, quality: ExplainCommand.quality), to: "\(place)-\(name).jpg")
            found.append(
                made(
                    ("label", .string(label.name)), ("score", real(scores[label.outputIndex])), ("output", real(outputs[label.outputIndex])),
                    ("base", real(base)), ("values", .array(values.map(real))), ("regions", .array(location.regions.map(entry)))))
        }
        let shape = engine.mapShape
        let json = made(
            ("schema", .string("tern.map/1")), ("file", .string(URL(fileURLWithPath: path).lastPathComponent)),
            (
                "model",
                made(
                    ("name", .string(file.header.name)), ("version", .string(file.header.version)), ("digest", .string(Hexadecimal.string(file.identity))))
            ),
            ("outputs", .array(outputs.map(real))), ("width", count(image.width)), ("height", count(image.height)), ("area", made(box(area))),
            ("method", .string(shape?.method.word ?? "")), ("columns", count(shape?.columns ?? 0)), ("rows", count(shape?.rows ?? 0)),
            ("maps", .array(found)))
        try writeFile(Array((json.text + "\n").utf8), to: place + ".json")
    }
}

private func entry(_ region: FindingRegion) -> JSONValue {
    made(box(region.box) + [("share", real(region.share))] + (region.side.map { [("side", .string($0.rawValue))] } ?? []))
}

private func box(_ rectangle: PixelRectangle) -> [(String, JSONValue)] {
    [("x", count(rectangle.x)), ("y", count(rectangle.y)), ("width", count(rectangle.width)), ("height", count(rectangle.height))]
}

private func made(_ members: (String, JSONValue)...) -> JSONValue { made(members) }
private func made(_ members: [(String, JSONValue)]) -> JSONValue { .object(members.map { JSONMember($0.0, $0.1) }) }
private func count(_ value: Int) -> JSONValue { .number(Double(value)) }
/// The shortest decimal that reads back as the same binary32 value.
private func real(_ value: Float) -> JSONValue { .number(Double("\(value)") ?? Double(value)) }
