internal import TernPlatform

/// Finds results among all that are on the disk, beside the thread that writes them.
struct FindingsSearch {
    let statePath: String

    private static let chunkByteCount = 1 << 20

    /// What a search gives.
    struct Outcome {
        /// Of those studies that have a result, and one each.
        var found: [ResultRing.Entry] = []
        /// Why not every file was searched to its end; a study that was not found may then have a result all the same.
        var errno: Int32?
    }

    /// The lines of those studies that have a result.
    func lines(of identifiers: [StudyIdentifier]) -> Outcome {
        var outcome = Outcome()
        search(statePath, { $0 == FindingsSegment.activeName }, identifiers, &outcome)
        guard outcome.found.count < identifiers.count else { return outcome }
        do throws(PlatformError) {
            // Opening a folder makes it when it is missing.
            guard try FileStore(path: statePath).names().contains("findings") else { return outcome }
        } catch {
            outcome.errno = error.number
            return outcome
        }
        search(statePath + "/findings", { FindingsSegment(name: $0) != nil }, identifiers, &outcome)
        return outcome
    }

    private func search(_ path: String, _ isWanted: (String) -> Bool, _ identifiers: [StudyIdentifier], _ outcome: inout Outcome) {
        do throws(PlatformError) {
            let folder = try FileStore(path: path)
            for name in try folder.names() where isWanted(name) {
                do throws(PlatformError) { try search(name, in: folder, identifiers, &outcome) } catch {
                    // ENOENT of Linux: it was closed, and lies among the closed ones, or it was removed, since its results have been read.
                    if error.number != 2 { outcome.errno = error.number }
                }
            }
        } catch {
            outcome.errno = error.number
        }
    }

    private func search(_ name: String, in folder: FileStore, _ identifiers: [StudyIdentifier], _ outcome: inout Outcome) throws(PlatformError) {
        let file = try folder.file(name)
        var start = 0
        var rest: [UInt8] = []
        while start < file.byteCount {
            let chunk = try file.read(start..<min(start + Self.chunkByteCount, file.byteCount))
            start += chunk.count
            rest += chunk
            var position = 0
            while let end = rest[position...].firstIndex(of: 0x0A) {
                if let entry = FindingsLine.entry(of: rest[position...end]), identifiers.contains(entry.identifier),
                    !outcome.found.contains(where: { $0.identifier == entry.identifier })
                {
                    outcome.found.append(entry)
                }
                position = end + 1
            }
            rest.removeFirst(position)
            // No line of ours.
            if rest.count > FindingsLine.limitByteCount { return }
        }
    }
}
