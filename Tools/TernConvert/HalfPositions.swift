/// How a model's table of positions is stored.
public enum PositionFormat: String, CaseIterable, Equatable, Sendable {
    /// As trained.
    case f32
    /// Rounded to binary16: half the bytes, other values.
    case f16
}

extension VisionTransformer {
    /// The model that `--positions f16` stores: every position rounded to binary16, to nearest with ties to even; a relative error of 2^-11, and of
    /// 2^-25 at most where a value is below 2^-14. The positions of class, distillation and register tokens stay as they are.
    ///
    /// - Throws: `ConvertError.positionRange` when a position is larger than the largest binary16 value, 65,504, or is no number.
    public func withHalfPositions() throws(ConvertError) -> VisionTransformer {
        var model = self
        for index in model.positions.values.indices {
            let value = model.positions.values[index], half = Float16(value)
            guard half.isFinite else { throw .positionRange(value) }
            model.positions.values[index] = Float(half)
        }
        return model
    }
}
