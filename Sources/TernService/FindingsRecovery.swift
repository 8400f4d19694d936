internal import TernPlatform

extension FindingsFile {
    /// What an earlier run left: the newest lines, from the active file and as many closed ones before it as it takes.
    struct Recovery {
        /// The newest lines, ascending.
        private(set) var entries: [ResultRing.Entry] = []
        /// Bytes of the active file up to the end of its last valid line.
        private(set) var validByteCount = 0
        /// Number of the first and of the last result in the active file; when it has none, of the next and of the newest one.
        private(set) var first = 1
        private(set) var last = 0
        /// The day of the first result in the active file.
        private(set) var day: [UInt8] = []

        /// Reads the active file, of so many bytes, and its forerunners, and drops those of `segments` between which and the active file results are
        /// missing.
        init(
            byteCount: Int, read: (Range<Int>) throws(PlatformError) -> [UInt8], behind segments: inout [FindingsSegment], in store: FileStore
        ) throws(ServiceError) {
            let start = max(0, byteCount - limitRecoveryByteCount)
            let bytes: [UInt8]
            let head: [UInt8]
            do throws(PlatformError) {
                bytes = try read(start..<byteCount)
                head = try read(0..<min(byteCount, FindingsLine.headByteCount))
            } catch {
                throw ServiceError(error)
            }
            last = segments.last?.last ?? 0
            try readActive(bytes, from: start)
            first = FindingsLine.sequence(of: head[...]).flatMap { entries.isEmpty ? nil : $0.number } ?? last + 1
            day = FindingsLine.day(of: head[...])
            var next = first
            var kept = segments.count
            while kept > 0, segments[kept - 1].last == next - 1 {
                kept -= 1
                next = segments[kept].first
            }
            segments.removeFirst(kept)
            var room = limitRecoveryByteCount - byteCount
            for segment in segments.reversed() where room > 0 {
                try readClosed(segment, byteCount: min(segment.byteCount, room), in: store)
                room -= segment.byteCount
            }
        }

        /// Takes in whole lines; `bytes` begin at byte `start` of the file.
        ///
        /// A power cut may leave the last line unfinished, or finished but with blocks that never reached the disk and read as zero; anything else that
        /// is no result is not ours to remove.
        private mutating func readActive(_ bytes: [UInt8], from start: Int) throws(ServiceError) {
            var position = 0
            if start > 0 {
                // The first line of the window has most likely lost its beginning.
                guard let end = bytes.firstIndex(of: 0x0A) else { throw .findingsFileDamaged(byteOffset: start) }
                position = end + 1
            }
            while let end = bytes[position...].firstIndex(of: 0x0A) {
                guard let entry = FindingsLine.entry(of: bytes[position...end]), entry.sequence > last else {
                    guard end + 1 == bytes.count, bytes[position...end].contains(0) else { throw .findingsFileDamaged(byteOffset: start + position) }
                    break
                }
                last = entry.sequence
                entries.append(entry)
                position = end + 1
            }
            guard bytes.count - position <= FindingsLine.limitByteCount else { throw .findingsFileDamaged(byteOffset: start + position) }
            // Without one whole line in so large a file the number to go on with is not known.
            guard start == 0 || !entries.isEmpty else { throw .findingsFileDamaged(byteOffset: start) }
            validByteCount = start + position
        }

        /// Takes in the last lines of a closed file, which end where those that are there begin.
        private mutating func readClosed(_ segment: FindingsSegment, byteCount: Int, in store: FileStore) throws(ServiceError) {
            let bytes: [UInt8]
            do throws(PlatformError) {
                bytes = try store.read(segment.name, from: segment.byteCount - byteCount, limitByteCount: byteCount)
            } catch {
                throw ServiceError(error)
            }
            var lines: [ResultRing.Entry] = []
            var position = 0
            if byteCount < segment.byteCount {
                guard let end = bytes.firstIndex(of: 0x0A) else { return }
                position = end + 1
            }
            while let end = bytes[position...].firstIndex(of: 0x0A) {
                guard let entry = FindingsLine.entry(of: bytes[position...end]), lines.last.map({ $0.sequence + 1 == entry.sequence }) ?? true else { break }
                lines.append(entry)
                position = end + 1
            }
            let isWhole = byteCount == segment.byteCount
            guard position == bytes.count, lines.last.map({ $0.sequence == segment.last }) ?? !isWhole, !isWhole || lines.first?.sequence == segment.first
            else { throw .findingsSegmentDamaged(first: segment.first, last: segment.last) }
            entries = lines + entries
        }
    }
}
