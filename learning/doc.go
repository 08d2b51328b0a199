// Package learning is what a company's spam filter learned from its own mail: which words are in what its people call spam, which networks and
// domains brought good mail, whom they write with, and what was seen a moment ago (SF-6).
//
// # A company learns for itself
//
// Everything here belongs to one tenant and is read by Service.Memory of that tenant only. The filter's shared base is part of the program;
// there is no way from here into it. Who poisons his company's figures spoils his company's filter alone, and Service.UndoAccount and
// Service.Forget take it back.
//
// # Lessons
//
// A lesson is that somebody said of a message what it is. It is remembered with its words for LessonDays: said again it counts nothing, said
// the other way round the first is taken back, and Service.Undo takes it back exactly, even when the message is gone. An account teaches
// at most LessonsADay, so that one that was taken over, or a program that moves 10,000 messages, does not outvote the others.
//
// # No delivery waits for it
//
// Service.Later and Service.Saw only note in memory what there is to learn; Service.Run reads and writes it behind, a portion at a
// time. What a crash loses is some seconds of experience and the lessons that waited.
//
// # Bounds
//
// A company has at most MaxTokens words, MaxReputations and MaxContacts; Service.Tidy forgets the rarest and oldest past them.
package learning
