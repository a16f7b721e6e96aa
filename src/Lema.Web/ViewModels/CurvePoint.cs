namespace Lema.Web.ViewModels;

/// <summary>One value of a curve.</summary>
/// <param name="Step">Finished steps.</param>
/// <param name="Value">The value at that step, in the unit of its curve.</param>
/// <param name="Seconds">Seconds of training up to the step.</param>
/// <param name="Tokens">Tokens trained on up to the step.</param>
public readonly record struct CurvePoint(long Step, double Value, double Seconds, long Tokens);
