internal import TernPlatform

/// Finds results among all that are on the disk, beside the thread that writes them.
struct FindingsSearch {
    let statePath: String

    private static let chunkByteCount = 1 << 20

    /// The lines of those studies that have a result.
    func lines(of identifiers: [StudyIdentifier]) -> [ResultRing.Entry] {
        var found: [ResultRing.Entry] = []
        search(statePath, { $0 == "findings.jsonl" }, identifiers, &found)
        // Opening a folder makes it when it is missing.
        guard found.count < identifiers.count, let names = try? FileStore(path: statePath).names(), names.contains("findings") else { return found }
        search(statePath + "/findings", { $0.utf8.suffix(6).elementsEqual(".jsonl".utf8) }, identifiers, &found)
        return found
    }

    private func search(_ path: String, _ isWanted: (String) -> Bool, _ identifiers: [StudyIdentifier], _ found: inout [ResultRing.Entry]) {
        guard let folder = try? FileStore(path: path), let names = try? folder.names() else { return }
        for name in names where isWanted(name) {
            var start = 0
            var rest: [UInt8] = []
            while let chunk = try? folder.read(name, from: start, limitByteCount: Self.chunkByteCount), !chunk.isEmpty {
                start += chunk.count
                rest += chunk
                var position = 0
                while let end = rest[position...].firstIndex(of: 0x0A) {
                    if let entry = FindingsLine.entry(of: rest[position...end]), identifiers.contains(entry.identifier) { found.append(entry) }
                    position = end + 1
                }
                rest.removeFirst(position)
                // No line of ours.
                if rest.count > FindingsLine.limitByteCount { break }
            }
        }
    }
}
