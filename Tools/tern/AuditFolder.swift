import Foundation
import TernAudit
import TernConvert
import TernPlatform

/// The audit log of a state directory, as it lies there.
struct AuditFolder {
    /// One line of it.
    struct Line {
        var file: String
        /// From 1, within the file.
        var place: Int
        var bytes: ArraySlice<UInt8>
        /// False for the last line of a file, when it has no end.
        var isWhole: Bool
    }
    let path: String
    /// Nil when the folder is one of a log alone.
    let state: String?
    /// Closed files in the order of their numbers, then the one that is written to.
    let files: [String]

    static let limitFileByteCount = 1 << 30

    /// Takes a state directory, or its `audit` alone.
    init(_ path: String) throws(Failure) {
        let inside = path + "/audit"
        let isState = FileManager.default.fileExists(atPath: inside + "/.")
        self.path = isState ? inside : path
        state = isState ? path : nil
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: self.path) else {
            throw Failure(.cannotOpen, "there is no folder \(path); name the state directory of a service, or its audit folder")
        }
        let closed = names.compactMap { AuditSegmentName($0) }.sorted { ($0.first, $0.last) < ($1.first, $1.last) }
        files = closed.map(\.text) + (names.contains("audit.jsonl") ? ["audit.jsonl"] : [])
        guard !files.isEmpty else { throw Failure(.cannotOpen, "there is no audit log in \(path)") }
    }

    /// Calls `body` with every line in order.
    func forEach(_ label: String, _ body: (Line) throws -> Void) throws {
        var progress = ProgressBar(label, total: files.count)
        for (index, file) in files.enumerated() {
            try lines(of: path + "/" + file, named: file, body)
            progress.update(index + 1)
        }
    }

    /// Calls `body` with every line of one file; an empty file has none.
    private func lines(of path: String, named name: String, _ body: (Line) throws -> Void) throws {
        let bytes: [UInt8]
        do throws(PlatformError) { bytes = try readFile(path, limitByteCount: Self.limitFileByteCount) } catch {
            if case .emptyFile = error { return }
            throw Failure(.cannotOpen, "cannot read \(path): \(words(error))")
        }
        var position = 0
        var place = 1
        while position < bytes.count {
            let end = bytes[position...].firstIndex(of: 0x0A) ?? bytes.count
            try body(Line(file: name, place: place, bytes: bytes[position..<end], isWhole: end < bytes.count))
            position = end + 1
            place += 1
        }
    }

    /// What `head` says; nil when it is missing or is none.
    var head: AuditHead? {
        guard let bytes = try? readFile(path + "/head", limitByteCount: 4096) else { return nil }
        return AuditHead(parsing: bytes)
    }

    /// Calls `body` with every line of the results of the state directory, closed files first.
    func forEachResult(_ body: (Line) throws -> Void) throws {
        guard let state else { return }
        let folder = state + "/findings"
        let closed = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".jsonl") }.sorted()
        for name in closed { try lines(of: folder + "/" + name, named: "findings/" + name, body) }
        if FileManager.default.fileExists(atPath: state + "/findings.jsonl") { try lines(of: state + "/findings.jsonl", named: "findings.jsonl", body) }
    }

    /// Calls `body` with every review.
    func forEachReview(_ body: (Line) throws -> Void) throws {
        guard let state, FileManager.default.fileExists(atPath: state + "/reviews.jsonl") else { return }
        try lines(of: state + "/reviews.jsonl", named: "reviews.jsonl", body)
    }
}

extension AuditFolder.Line {
    /// The record as a document; nil when it is none.
    var document: JSONValue? { try? JSONValue(parsing: Array(bytes)) }
}
