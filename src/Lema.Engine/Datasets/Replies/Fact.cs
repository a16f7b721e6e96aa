namespace Lema.Engine.Datasets.Replies;

/// <summary>One line of the fact base; (relation, subject) is unique.</summary>
public sealed record Fact(string Id, string Relation, string Subject, string Object);

/// <summary>How facts of one relation are asked, answered and explained. Templates hold the placeholders of <see cref="FactTemplate"/>.</summary>
/// <param name="Confidence">A property of the relation: High for a settled fact, Medium where another answer can be defended, Low for what cannot be known.</param>
public sealed record Relation(IReadOnlyList<string> Questions, string Answer, IReadOnlyList<string> Explanations, string Confidence);
