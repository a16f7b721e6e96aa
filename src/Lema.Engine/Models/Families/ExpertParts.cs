using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Operations;

namespace Lema.Engine.Models.Families;

/// <summary>The SwiGLU experts of a sparse block, by their published names.</summary>
/// <param name="Format">Name format of an expert's module, {0} its number, {1} its projection.</param>
internal sealed record ExpertParts(string Format, string Gate, string Up, string Down, long Hidden, long Inner, int Count)
{
    /// <summary>Linear modules of each expert.</summary>
    public IReadOnlyList<IReadOnlyList<LinearSpec>> Linears => [.. Enumerable.Range(0, Count).Select(e => (IReadOnlyList<LinearSpec>)
        [new(Name(e, Gate), Hidden, Inner), new(Name(e, Up), Hidden, Inner), new(Name(e, Down), Inner, Hidden)])];

    /// <summary>The fused parameters that transformers 5 makes of them.</summary>
    public FusedExperts Fused(string parent) => new(parent, Format.Replace("{1}", Gate, StringComparison.Ordinal), Format.Replace("{1}", Up, StringComparison.Ordinal),
        Format.Replace("{1}", Down, StringComparison.Ordinal), Hidden, Inner);

    public Variable Forward(LayerPass pass, Variable h, Routing routing) => pass.Experts(h, routing, (number, weights, expertPass, x) =>
    {
        Variable gate = expertPass.Linear(weights, x, Name(number, Gate)), up = expertPass.Linear(weights, x, Name(number, Up));
        return expertPass.Linear(weights, expertPass.SiluMultiply(gate, up), Name(number, Down));
    });

    private string Name(int expert, string projection) => string.Format(null, Format, expert, projection);
}
