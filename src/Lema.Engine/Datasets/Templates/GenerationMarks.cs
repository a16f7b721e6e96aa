using Lema.Engine.Datasets.Templates.Parsing;

namespace Lema.Engine.Datasets.Templates;

/// <summary>Looks for <c>{% generation %}</c> in a template.</summary>
internal static class GenerationMarks
{
    public static bool AreIn(IEnumerable<Statement> body) => body.Any(statement => statement switch
    {
        GenerationBlock => true,
        If conditional => conditional.Branches.Any(branch => AreIn(branch.Body)) || AreIn(conditional.Otherwise),
        For loop => AreIn(loop.Body) || AreIn(loop.Otherwise),
        With with => AreIn(with.Body),
        Block block => AreIn(block.Body),
        Macro macro => AreIn(macro.Body),
        CallBlock call => AreIn(call.Body),
        FilterBlock filter => AreIn(filter.Body),
        SetBlock set => AreIn(set.Body),
        _ => false,
    });
}
