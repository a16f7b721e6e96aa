namespace Lema.Engine.Models.Operations;

/// <summary>Scaled dot-product attention of one layer.</summary>
/// <param name="Scale">Factor of the scores before the softmax.</param>
/// <param name="Window">A query sees this many keys, itself included; null: all before it.</param>
/// <param name="Softcap">cap * tanh(score / cap) before the mask; null: none.</param>
public sealed record AttentionSettings(double Scale, int? Window = null, double? Softcap = null);
