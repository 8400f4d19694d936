import TernDICOM

/// The compressed frames of a file, written anew.
struct CompressedFrames {
    var frames: [[UInt8]] = []
    var droppedCount = 0

    /// Nil when a frame cannot be told from the next, or cannot be walked to its end.
    init?(_ source: SourceFile, _ facts: DataSetFacts, family: CodeStream.Family) {
        guard let groups = CompressedFrames.groups(source, facts, family) else { return nil }
        let (pixelCount, overflow) = facts.rows.multipliedReportingOverflow(by: facts.columns)
        guard !overflow else { return nil }
        let layout = CodeStream.Layout(pixelCount: pixelCount, samplesPerPixel: facts.samplesPerPixel, bitsAllocated: facts.bitsAllocated)
        for group in groups {
            var joined: [UInt8] = []
            joined.reserveCapacity(facts.fragments[group].reduce(0) { $0 + $1.count })
            for range in facts.fragments[group] { joined += source.bytes[range] }
            guard let cleaned = CodeStream.cleaned(joined, as: family, layout: layout), cleaned.bytes.count < Int(UInt32.max) else { return nil }
            frames.append(cleaned.bytes)
            droppedCount += cleaned.droppedCount
        }
    }

    /// Which fragments make each frame, PS3.5 A.4: all of them one; one each; as the Basic Offset Table says; or, in the JPEG families, from one start marker to the next.
    private static func groups(_ source: SourceFile, _ facts: DataSetFacts, _ family: CodeStream.Family) -> [Range<Int>]? {
        let (fragments, count) = (facts.fragments, facts.frameCount)
        guard !fragments.isEmpty, count <= fragments.count else { return nil }
        if count == 1 { return [0..<fragments.count] }
        if count == fragments.count { return fragments.indices.map { $0..<($0 + 1) } }
        let firsts = byTable(source, facts) ?? byMarkers(source, facts, family)
        guard firsts.count == count, firsts.first == 0 else { return nil }
        return zip(firsts, firsts.dropFirst() + [fragments.count]).map { $0..<$1 }
    }

    private static func byTable(_ source: SourceFile, _ facts: DataSetFacts) -> [Int]? {
        guard let table = facts.offsetTable, table.count == 4 * facts.frameCount, let origin = facts.fragments.first?.lowerBound else { return nil }
        var places: [Int: Int] = [:]
        for (index, range) in facts.fragments.enumerated() { places[range.lowerBound - origin] = index }
        var firsts: [Int] = []
        for start in stride(from: table.lowerBound, to: table.upperBound, by: 4) {
            let offset = (0..<4).reduce(0) { $0 | Int(source.bytes[start + $1]) << ($1 * 8) }
            guard let index = places[offset], index > firsts.last ?? -1 else { return nil }
            firsts.append(index)
        }
        return firsts
    }

    private static func byMarkers(_ source: SourceFile, _ facts: DataSetFacts, _ family: CodeStream.Family) -> [Int] {
        let starts: [[UInt8]] = family == .jpeg2000 ? [[0xFF, 0x4F, 0xFF, 0x51], [0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20]] : [[0xFF, 0xD8, 0xFF]]
        guard family == .jpeg || family == .jpegLS || family == .jpeg2000 else { return [] }
        return facts.fragments.indices.filter { index in starts.contains { source.bytes[facts.fragments[index]].starts(with: $0) } }
    }
}
