import TernBytes

/// The plan of a model, read and verified: rules F-16 to F-18.
struct Plan {
    var operations: [NamedOperation] = []
    /// Tensors that some linear operation uses as weight scale; F-19 is about them.
    var scaleTensors: [Int] = []

    init(
        validating file: RawSpan, sections: SectionTable, count: Int, header: ModelHeader, tensors: [Tensor]
    ) throws(ModelFileError) {
        let range = sections[.plan]
        guard range.count == count * ModelFormat.operationRecordByteCount else {
            throw .sectionTable(.byteCount, record: 1, kind: SectionKind.plan.rawValue)
        }
        operations.reserveCapacity(count)
        var isScale = [Bool](repeating: false, count: tensors.count)
        var arena = try ArenaVerifier(header: header)
        for index in 0..<count {
            let start = range.lowerBound + index * ModelFormat.operationRecordByteCount
            let bytes = file.extracting(start..<(start + ModelFormat.operationRecordByteCount))
            let record = try OperationRecord(RecordReader(bytes, fileOffset: start, place: .operation(index)), index: index)
            let operation = try OperationDecoder(record: record, header: header, tensors: tensors).operation()
            try arena.verify(operation, index: index)
            if case .linear(let linear) = operation, let scale = linear.scale { isScale[scale] = true }
            operations.append(NamedOperation(name: record.name, operation: operation))
        }
        try arena.verifyOutput(header)
        for index in 0..<tensors.count where isScale[index] { scaleTensors.append(index) }
    }
}
