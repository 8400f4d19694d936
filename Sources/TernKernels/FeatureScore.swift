internal import CTernKernels

extension Arena {
    /// How far the values at `byteOffset` are from the mean of `statistics`, in standard deviations a value, N-13.
    ///
    /// - Parameter statistics: binary32 values, aligned to 4 bytes: mean [count], inverse variances [rank], directions [rank][count].
    /// - Cost: (rank + 1) * count products, no allocation.
    public func featureScore(at byteOffset: Int, count: Int, rank: Int, residualPrecision: Float, statistics: RawSpan) -> Float {
        precondition(count > 0 && rank >= 0 && rank <= count && count <= 1 << 20, "a shape that no statistics have")
        precondition(statistics.byteCount == 4 * (count + rank + rank * count), "statistics do not have their size")
        let feature = unsafe pointer(at: byteOffset, byteCount: 4 * count).assumingMemoryBound(to: Float.self)
        return unsafe statistics.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return .nan }
            precondition(UInt(bitPattern: base) % 4 == 0, "values are not aligned")
            // SAFETY: aligned, and as long as the three arrays by the preconditions; every bit pattern is a Float.
            let mean = unsafe base.assumingMemoryBound(to: Float.self)
            let precisions = unsafe mean + count
            return unsafe tern_feature_score(feature, mean, precisions, precisions + rank, count, rank, residualPrecision)
        }
    }
}
