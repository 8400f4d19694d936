import Foundation
import TernBytes
import TernConvert
import TernDICOM
import TernImage
import TernPlatform
import TernPrepare

/// The series of a folder, as a table for people and as JSON for scripts.
struct SeriesReport {
    /// One frame of one file.
    fileprivate struct Frame {
        var file: String
        /// From 1.
        var frame: Int
    }
    fileprivate struct Series {
        var identifier: String
        var modality: String
        /// Frames that have a position, and what they make.
        var placed: [Frame] = []
        var positions: [SlicePosition] = []
        var unplacedCount = 0
        var fileCount = 0
        var sizes: Set<[Int]> = []
        var volume: SliceSeries? { SliceSeries(positions) }
    }
    private var series: [Series] = []
    /// Files that are DICOM and no image that is read, with the reason.
    private var refused: [(file: String, reason: String)] = []

    init(folder: String) throws(Failure) {
        guard FileManager.default.fileExists(atPath: folder + "/.") else { throw Failure(.cannotOpen, "there is no folder \(folder)") }
        let names = (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []).sorted()
        var positions: [String: Int] = [:]
        for name in names {
            guard let mapping = try? mapFile(folder + "/" + name), DICOMDecoder.recognises(mapping.bytes) else { continue }
            do throws(DICOMError) {
                let file = try DICOMFile(parsing: mapping.bytes)
                let identifier = file.seriesInstanceUID?.description ?? ""
                let index = positions[identifier] ?? series.count
                positions[identifier] = index
                if index == series.count { series.append(Series(identifier: identifier, modality: modality(of: file))) }
                series[index].add(file, named: name)
            } catch {
                refused.append((name, PrepareError.dicom(error).message))
            }
        }
        guard !series.isEmpty else { throw Failure(.badInput, "no DICOM image in \(folder)") }
    }

    var text: String {
        var lines = [
            "\(padded("series", 7))\(padded("modality", 9))\(padded("files", 7, left: true))\(padded("slices", 8, left: true))"
                + "\(padded("spacing", 11, left: true))  state"
        ]
        for (index, entry) in series.enumerated() {
            let volume = entry.volume
            let spacing = volume?.spacing.map { "\(fixed($0, 3)) mm" } ?? "-"
            lines.append(
                "\(padded("\(index + 1)", 7))\(padded(entry.modality, 9))\(padded("\(entry.fileCount)", 7, left: true))"
                    + "\(padded("\(entry.placed.count)", 8, left: true))\(padded(spacing, 11, left: true))  \(entry.state)")
        }
        if !refused.isEmpty { lines.append("\(refused.count) DICOM files are no image that is read; --json names them") }
        return lines.joined(separator: "\n")
    }

    var json: JSONValue {
        object(
            ("series", .array(series.map { $0.json })),
            ("refused", .array(refused.map { object(("file", .string($0.file)), ("reason", .string($0.reason))) })))
    }
}

extension SeriesReport.Series {
    fileprivate mutating func add(_ file: DICOMFile, named name: String) {
        fileCount += 1
        sizes.insert([file.width, file.height])
        for index in 0..<file.frameCount {
            guard let position = file.geometry(ofFrame: index) else {
                unplacedCount += 1
                continue
            }
            placed.append(SeriesReport.Frame(file: name, frame: index + 1))
            positions.append(position)
        }
    }

    /// What is wrong, in words.
    fileprivate var state: String {
        guard let volume else { return "no positions" }
        var faults: [String] = []
        if !volume.otherOrientation.isEmpty { faults.append("\(volume.otherOrientation.count) of another orientation") }
        let missing = volume.gaps.reduce(0) { $0 + $1.missingCount }
        if !volume.gaps.isEmpty { faults.append("\(volume.gaps.count) gaps (\(missing) slices missing)") }
        if !volume.duplicates.isEmpty { faults.append("\(volume.duplicates.count) duplicates") }
        if !volume.uneven.isEmpty { faults.append("\(volume.uneven.count) uneven distances") }
        if volume.sidewaysShift > 0.1 { faults.append("shifted sideways by \(fixed(volume.sidewaysShift, 1)) mm") }
        if volume.hasMixedPixelSpacing { faults.append("mixed pixel spacing") }
        if sizes.count > 1 { faults.append("mixed sizes") }
        if unplacedCount > 0 { faults.append("\(unplacedCount) without a position") }
        return faults.isEmpty ? "regular" : faults.joined(separator: ", ")
    }

    fileprivate var json: JSONValue {
        let volume = volume
        var slices: [JSONValue] = []
        if let volume {
            for (place, index) in volume.order.enumerated() {
                slices.append(
                    object(
                        ("file", .string(placed[index].file)), ("frame", number(placed[index].frame)), ("distance", real(volume.distances[place]))))
            }
        }
        return object(
            ("seriesInstanceUID", identifier.isEmpty ? .null : .string(identifier)), ("modality", modality.isEmpty ? .null : .string(modality)),
            ("files", number(fileCount)), ("regular", .boolean(volume?.isRegular == true && sizes.count == 1 && unplacedCount == 0)),
            ("state", .string(state)), ("spacing", volume?.spacing.map { real($0) } ?? .null),
            ("normal", volume.map { .array([$0.normal.x, $0.normal.y, $0.normal.z].map { real($0) }) } ?? .null),
            (
                "gaps",
                .array(
                    (volume?.gaps ?? []).map {
                        object(("after", number($0.after)), ("distance", real($0.distance)), ("missing", number($0.missingCount)))
                    })
            ),
            ("duplicates", .array((volume?.duplicates ?? []).map { number($0) })), ("uneven", .array((volume?.uneven ?? []).map { number($0) })),
            ("sidewaysShift", volume.map { real($0.sidewaysShift) } ?? .null), ("withoutPosition", number(unplacedCount)),
            ("otherOrientation", .array((volume?.otherOrientation ?? []).map { .string(placed[$0].file) })), ("slices", .array(slices)))
    }
}

/// A defined term or nothing: other text in its place could be a name.
private func modality(of file: DICOMFile) -> String {
    guard let modality = file.modality, isModalityTerm(modality.utf8) else { return "" }
    return modality
}

private func object(_ members: (String, JSONValue)...) -> JSONValue { .object(members.map { JSONMember($0.0, $0.1) }) }
private func number(_ value: Int) -> JSONValue { .number(Double(value)) }
private func real(_ value: Double) -> JSONValue { .number(value) }
