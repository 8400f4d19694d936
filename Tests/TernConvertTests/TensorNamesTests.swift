import Testing

@testable import TernConvert

@Suite struct TensorNamesTests {
    @Test(arguments: [
        ("blocks.3.attn.qkv.weight", "blocks.3.attn.qkv.weight"),
        ("module.blocks.3.mlp.fc1.bias", "blocks.3.mlp.fc1.bias"),
        ("vit.embeddings.cls_token", "cls_token"),
        ("vit.embeddings.position_embeddings", "pos_embed"),
        ("vit.encoder.layer.11.attention.attention.query.weight", "blocks.11.attn.q.weight"),
        ("vit.encoder.layer.11.attention.output.dense.bias", "blocks.11.attn.proj.bias"),
        ("vit.encoder.layer.0.intermediate.dense.weight", "blocks.0.mlp.fc1.weight"),
        ("vit.encoder.layer.0.output.dense.weight", "blocks.0.mlp.fc2.weight"),
        ("vit.layers.0.attention.k_proj.weight", "blocks.0.attn.k.weight"),
        ("vit.layers.0.attention.o_proj.weight", "blocks.0.attn.proj.weight"),
        ("vit.layers.0.layernorm_before.bias", "blocks.0.norm1.bias"),
        ("vit.layernorm.weight", "norm.weight"),
        ("layernorm.weight", "norm.weight"),
        ("classifier.bias", "head.bias"),
        ("deit.embeddings.distillation_token", "dist_token"),
        ("distillation_classifier.weight", "head_dist.weight"),
        ("cls_classifier.weight", "head.weight"),
        ("dinov2.encoder.layer.2.layer_scale1.lambda1", "blocks.2.ls1.gamma"),
        ("dinov2_with_registers.embeddings.register_tokens", "reg_token"),
        ("encoder.layer.2.attention.attention.value.weight", "blocks.2.attn.v.weight"),
        ("encoder.layer.2.attention.q_proj.weight", "blocks.2.attn.q.weight"),
        ("encoder.layer.2.norm2.weight", "blocks.2.norm2.weight"),
        ("backbone.embeddings.patch_embeddings.projection.bias", "patch_embed.proj.bias"),
        ("fc_norm.weight", "fc_norm.weight"),
        ("unheard.of", "unheard.of"),
    ])
    func translates(name: String, expected: String) {
        #expect(TensorNames.canonical(name) == expected)
    }

    @Test(arguments: ["mask_token", "dinov2.embeddings.mask_token", "vit.pooler.dense.weight"])
    func dropsWhatInferenceDoesNotUse(name: String) {
        #expect(TensorNames.canonical(name) == nil)
    }
}
