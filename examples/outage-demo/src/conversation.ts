/** What five small teams tell their assistant: about three hundred messages, each of them only once. */

/** One message of a conversation. */
export interface Line {
  readonly role: string;
  readonly role_type: 'user' | 'assistant';
  readonly content: string;
}

/** What one user says, in order, and what they look up in between. */
export interface Conversation {
  /** Graphiti's group, which is also the lane that keeps the order. */
  readonly group: string;
  readonly queries: readonly string[];
  readonly lines: readonly Line[];
}

/** A line a message: `speaker: text`; the speaker `ai` is the assistant. */
function conversation(group: string, queries: readonly string[], text: string): Conversation {
  const lines = text
    .trim()
    .split('\n')
    .map((line): Line => {
      const [role = '', content = ''] = line.split(/: (.*)/s);
      return { role, role_type: role === 'ai' ? 'assistant' : 'user', content };
    });
  return { group, queries, lines };
}

const lisbon = conversation(
  'trip-to-lisbon',
  ['which hotel in Alfama', 'train to Sintra', 'vegetarian restaurants for Ben'],
  `
ann: We are going to Lisbon in May, four of us, for six days.
ben: Please keep in mind that I am vegetarian.
ai: Noted: Lisbon in May, four people, six days, and Ben eats vegetarian.
ann: Carla joins us from Porto by train on the second day.
ben: David can only stay until Thursday evening.
ann: I would like to sleep in Alfama, not in the new town.
ai: Alfama is hilly and has few lifts. Shall I look for a hotel near the tram?
ann: Yes, near the 28 tram, and nothing above 140 euros a night.
ben: My knee is still bad. Two flights of stairs are the limit.
ai: Then I leave out the guest houses without a lift.
ann: The hotel Memmo Alfama has a terrace and a lift.
ben: It costs 155 euros in May, I just looked.
ann: The Santiago de Alfama is even more, 210 euros.
ai: The small hotel at Rua dos Remedios asks 128 euros and has a lift.
ben: That one sounds right. Does it serve breakfast?
ai: Breakfast is 11 euros a person and begins at half past seven.
ann: We skip breakfast there, the bakery at the corner is better.
carla: I arrive at Santa Apolonia at 11:40 on Tuesday.
ann: Then we meet Carla at the station and walk to the hotel.
ben: I booked the rooms under my name, two doubles.
ai: Two doubles at Rua dos Remedios, booked by Ben, free to cancel until the third of May.
david: Can we see Sintra? I have wanted to since school.
ai: The train to Sintra leaves Rossio every 20 minutes and takes 40 minutes.
ann: Wednesday is best for Sintra, then David is still there.
carla: The Pena palace sells tickets by the hour. Ten o'clock is still free.
david: Ten is early, but otherwise it gets full.
ben: Is there much climbing at Pena?
ai: A shuttle bus goes up to the palace gate; inside there are about 80 steps.
ben: 80 steps in a day are fine when the bus does the hill.
carla: I bought four tickets for Pena, Wednesday at ten.
ann: What do we eat in Sintra?
ai: A cafe by the old town hall has a vegetarian daily dish for 12 euros.
david: And travesseiros from Piriquita, please. They are almond pastries.
ben: For Thursday I found a vegetarian place in Graca with a view over the river.
ann: Reserve it for seven, David leaves at half past nine.
ben: Done, a table for four at seven, on the balcony.
ai: Thursday at seven in Graca, four people, reserved by Ben.
carla: Is anybody interested in the tile museum?
ann: I am! Friday morning, when it is quiet.
david: You will send me photos, I am on the plane by then.
ai: The tile museum opens at ten and is closed on Mondays.
ben: I would rather sit in the sun on Friday and read.
ann: Then Carla and I go to the tiles, and we meet for lunch at the market.
carla: The Time Out market is loud. What about Campo de Ourique?
ai: The market of Campo de Ourique has 20 stalls, and two cook without meat.
ben: Campo de Ourique it is. The 28 tram ends right there.
ann: How do we pay for the trams?
ai: A Navegante card costs 50 cents, and a day of trams, buses and metro 7 euros.
carla: I have an old one with 4 euros left on it.
david: What is the weather like in the middle of May?
ai: About 22 degrees by day, 14 in the evening, with little rain.
ann: So a jacket for the evenings, and no umbrella.
ben: Does the hotel have a luggage room for the last day?
ai: It keeps luggage until eight in the evening, at no cost.
carla: My train back to Porto leaves at 17:30 on Saturday.
ann: And ours flies at 20:15, so we go to the airport at six.
ben: The metro takes 25 minutes from the station to the airport.
david: I put my share of 96 euros into the kitty.
ann: Thank you all. I keep the list of what each of us has paid.
ai: So far: Ben the rooms, Carla the palace, David 96 euros for the kitty.
`,
);

const house = conversation(
  'house-renovation',
  ['what colour for the kitchen', 'electrician appointment', 'cost of the windows'],
  `
mira: We bought the house in Lindenstrasse, and it needs everything.
jon: Built in 1934, last touched in 1978, by the wallpaper.
ai: Congratulations. Shall I keep a list of works, people and costs?
mira: Yes please. The budget for all of it is 85,000 euros.
jon: The roof is the first thing, it leaks over the small bedroom.
mira: The roofer Haas comes on Monday at eight.
ai: Monday at eight: Haas for the roof.
jon: Haas says that 40 tiles and two battens are gone, the beams are sound.
mira: He asks 3,900 euros and can begin in two weeks.
jon: I said yes. Water in the house is worse than a bill.
ai: Roof ordered from Haas for 3,900 euros, which leaves 81,100.
mira: Next the windows. There are 14, all with single glass.
jon: Wood or plastic? I would like to keep the look of the front.
ai: For houses before 1945 the town pays a fifth for wooden windows.
mira: Then wood, at least for the six in front.
jon: The joiner Peters asks 1,150 euros a window in larch.
mira: And 640 for the eight at the back in plastic.
ai: The windows cost 12,020 euros, less 1,380 from the town.
jon: The application has to be in before the order is signed.
mira: I sent the application to the town today, with photos.
ai: Noted, the application for the windows went out today.
jon: The electrician looked at the fuse box and whistled.
mira: There is no earth in the old circuits at all.
jon: All new then: 19 sockets on the ground floor, 14 above.
ai: Would you like network cables in the same slots? It is cheap while the walls are open.
mira: Yes, one to each room, and two to the study.
jon: The electrician, Frau Demir, has an appointment free on the 12th.
mira: We take the 12th, and I will be there at seven.
ai: The electrician Demir comes on the 12th at seven, Mira opens.
jon: Who empties the cellar before that? The fuse box is down there.
mira: My brothers come on Saturday with a van.
ai: Saturday: the cellar is emptied with Mira's brothers and a van.
jon: There was a stove behind the shelf. From the twenties, green tiles!
mira: We keep it. The chimney sweep must say whether it may burn.
jon: He says that it may, once it has a new pipe.
ai: The green stove stays; it needs a new pipe before it may burn.
mira: Now the kitchen. I want it yellow, like my grandmother's.
jon: Yellow walls or yellow cupboards?
mira: Yellow walls, oak worktop, white cupboards.
ai: The kitchen: yellow walls, white cupboards, a worktop in oak.
jon: The cooker goes under the window, the sink where the pipes are.
mira: Please not a corner cupboard, things die in there.
ai: A run of 3.60 metres fits without a corner, with the fridge at the door.
jon: The carpenter asks 6,400 for that, with the oak oiled.
mira: And four weeks. He starts when the plaster is dry.
jon: Plaster needs a day for each millimetre, so three weeks.
ai: If it is plastered on the 20th, the carpenter can start on the 11th of next month.
mira: The town answered: they pay their fifth of the front windows!
jon: Then I sign with Peters tomorrow.
ai: Peters can be ordered: six windows in larch, eight in plastic.
mira: Did anybody ask about the floor upstairs?
jon: Pine boards under two layers of carpet. I sand them myself.
ai: A sanding machine costs 65 euros a day, and you need two days.
mira: Oil or lacquer? I do not want it shiny.
jon: Hard wax oil, two coats, and nobody walks on it for a night.
mira: So we sleep at my mother's that weekend.
ai: The floors: sand on Friday, oil on Saturday, back on Sunday evening.
jon: How much of the budget is spoken for now?
ai: Roof, windows and kitchen: 20,940 euros, without the electrician.
mira: Good. Then the green stove gets its pipe.
`,
);

const bakery = conversation(
  'corner-bakery',
  ['sourdough starter feeding', 'flour delivery', 'orders for Saturday'],
  `
dario: We open the bakery at six now, an hour earlier than before.
lena: Then the ovens have to be on at half past three.
ai: Opening at six, ovens on at half past three.
dario: The rye starter gets fed at nine in the evening and at two at night.
lena: Equal parts of flour and water, at 26 degrees.
ai: The sourdough starter: feeding at nine and at two, one to one, 26 degrees.
dario: The mill brings flour on Tuesday and Friday.
lena: 12 sacks of wheat, 5 of rye and one of spelt.
ai: Flour delivery: Tuesday and Friday, 18 sacks.
dario: The new apprentice begins on Monday. His name is Tom.
lena: Tom has never worked at night. Start him at five.
dario: For two weeks at five, then at three like all of us.
ai: Tom starts on Monday at five, after two weeks at three.
lena: The cafe in Marktgasse wants 60 rolls every morning.
dario: From when, and who brings them?
lena: From Thursday. They fetch them at a quarter past six.
ai: From Thursday: 60 rolls for the cafe in Marktgasse, fetched at 6:15.
dario: Oven two does not hold its heat any more.
lena: It lost 20 degrees in ten minutes this morning.
ai: That sounds like the door seal. Shall I note the number of the service?
dario: Yes. They come on Wednesday afternoon, when we are closed.
lena: Until then no baguettes from oven two.
ai: Oven two: service on Wednesday afternoon, no baguettes before.
tom: Hello! Which shoes do I need for the bakery?
lena: Closed ones with a grip, the floor is greasy at night.
tom: And how do I know that the dough is ready?
dario: Press a finger in. If it comes back slowly, it is ready.
ai: Tip for Tom: ready dough comes back slowly when pressed.
lena: The price of butter went up by 11 per cent.
dario: Then the croissant costs 1.90 from next month.
ai: From next month a croissant is 1.90 euros.
tom: A lady asked whether the walnut bread has milk in it.
lena: No milk, but walnuts and honey. Please say both.
ai: Walnut bread: no milk, contains nuts and honey.
dario: Orders for Saturday so far: 8 braids and 3 wedding loaves.
lena: And 40 pretzels for the fire brigade.
ai: Saturday: 8 braids, 3 wedding loaves, 40 pretzels for the fire brigade.
tom: The fire brigade called, it is 55 pretzels now.
ai: Changed for Saturday: 55 pretzels for the fire brigade.
dario: Who shapes them? I am at the wedding loaves.
lena: Tom and I do the pretzels. It is good practice.
tom: My first ten looked like knots.
dario: Everybody's first ten look like knots.
ai: For the record: Tom has shaped his first ten pretzels.
lena: The seal of oven two is changed. It holds 240 again.
dario: Finally. Baguettes are back from tomorrow.
ai: Oven two is repaired, baguettes from tomorrow.
tom: I sold the last rye at ten o'clock, people were sad.
lena: We should bake 14 more rye on market days.
dario: Market days are Wednesday and Saturday, so 14 more on both.
ai: On Wednesday and Saturday 14 more loaves of rye.
lena: That needs half a sack more of rye a week.
dario: I ask the mill for six sacks instead of five.
ai: The mill: 6 sacks of rye from now on, 19 sacks in all.
tom: The wedding loaves are fetched at nine by the bride's father.
lena: He paid a deposit of 30 euros, it is in the book.
dario: The starter smelled sharp tonight. Was it too warm?
lena: The cellar had 29 degrees. I opened the shutters.
ai: The starter was too warm at 29 degrees, it should have 26.
dario: Tom, from next week you feed the starter at two.
`,
);

const race = conversation(
  'berlin-marathon',
  ['long run on Sunday', 'knee pain', 'race pace in Berlin'],
  `
emi: I have a place in the Berlin marathon in September!
ai: Wonderful. How much do you run now, and what would you like to reach?
emi: 30 kilometres a week, and I would like to stay under four hours.
sam: I am her coach. We have 20 weeks.
ai: 20 weeks to Berlin, goal under four hours, 30 kilometres a week today.
sam: Under four hours means 5:40 a kilometre.
emi: My best half marathon is 1:52.
sam: That fits. Three runs a week, then four from week six.
ai: The plan: three runs a week, four from week six.
emi: On Tuesdays I work late, please nothing on Tuesday.
sam: Then Monday easy, Wednesday fast, Sunday long.
ai: Monday easy, Wednesday intervals, Sunday the long run.
sam: The first long run is 14 kilometres, as slow as you like.
emi: Done, 14.2 at 6:30, and the sun was shining.
ai: Long run of week one: 14.2 kilometres at 6:30.
sam: Wednesday: six times 800 metres with 400 easy between.
emi: The fifth one hurt, the sixth was fine.
ai: Intervals done: six times 800 metres.
emi: My left knee pulls a little when I walk downstairs.
sam: Inside or outside of the knee?
emi: Outside, about where the trousers have their seam.
ai: Noted: the left knee hurts on the outside, on stairs.
sam: That is the band. Roll it, and no hills for a week.
emi: How old may shoes be? Mine have 900 kilometres.
sam: That is your knee. 700 is enough.
ai: New shoes are due, the old pair has 900 kilometres.
emi: I bought the same model, a half size larger.
sam: Good. Walk in them for two days first.
ai: New shoes since today, half a size larger.
emi: Sunday, 18 kilometres, and the knee says nothing.
sam: Lovely. Then 20 on the next one, with a drink every five.
ai: The next long run is 20 kilometres, with a drink every five.
emi: What should I drink? Water makes my stomach slosh.
sam: Half a litre with a spoon of honey and a pinch of salt.
ai: Drink for long runs: half a litre, honey, salt.
emi: 20.1 kilometres in 2:09. I am a bit proud.
sam: So am I. Week six now: four runs.
ai: From now on Friday as well: 8 kilometres, easy.
emi: Next week I am in Hamburg for work, for three days.
sam: Run around the Alster on Wednesday, it is 7.4 kilometres.
ai: Wednesday in Hamburg: the Alster, 7.4 kilometres, at race pace.
emi: 41:20 for the Alster, and it felt easy.
sam: That is 5:35. Race pace should feel exactly like that.
ai: The Alster in 41:20, which is 5:35 a kilometre.
emi: Can I swim on the free days?
sam: Swim as much as you like, but not before the long run.
ai: Swimming is fine, except on Saturdays.
emi: There is a half marathon in Potsdam in June. Shall I?
sam: Yes, as a test. 1:48 would tell us that four hours are safe.
ai: A test in June: half marathon in Potsdam, goal 1:48.
emi: I signed up. Bib 2217.
sam: The week before it only 25 kilometres in all.
ai: The week before Potsdam: 25 kilometres.
emi: It is 31 degrees today, do I have to?
sam: No. Run at six in the morning, or not at all.
ai: Above 30 degrees: at six in the morning, or rest.
emi: Potsdam: 1:47:32! The last two kilometres were pure joy.
sam: Then Berlin at 5:35 for 35 kilometres, and after that as you feel.
ai: Race plan for Berlin: 5:35 until kilometre 35, then free.
emi: Now I really believe in it.
`,
);

const band = conversation(
  'the-late-trains',
  ['rehearsal room', 'set list for the summer party', 'who brings the amplifier'],
  `
kai: The Late Trains play at the summer party on the 21st.
noor: How long, and are we the only ones?
kai: 50 minutes, after the school choir.
ai: Concert on the 21st at the summer party, 50 minutes, after the choir.
pia: Then we need 12 songs. We have nine that work.
noor: Eight. Blue Ferry falls apart in the bridge.
ai: Eight songs are ready, Blue Ferry needs work in the bridge.
kai: The rehearsal room is ours on Mondays and Thursdays from seven.
pia: Thursdays I come at half past, from the late shift.
ai: Rehearsals: Monday and Thursday at seven, Pia on Thursday at 7:30.
noor: The room costs 9 euros an hour now.
kai: So 13.50 each a month, if we are good.
ai: The rehearsal room is 9 euros an hour.
pia: I wrote something new. It has five chords and no name.
noor: Play it on Monday. We find the name later.
ai: A new song by Pia, five chords, without a name yet.
kai: Who brings the amplifier? The party has none.
noor: My father lends us his. It weighs 32 kilos.
kai: Then I come with the car at four.
ai: The amplifier: from Noor's father, Kai fetches it at four on the 21st.
pia: And the microphones?
kai: The choir leaves theirs on stage, I asked. Three of them.
ai: Three microphones stay on stage after the choir.
noor: The bridge of Blue Ferry is better in six eight.
pia: It is! And then you come in a bar later.
ai: Blue Ferry: the bridge in six eight, Noor one bar later.
kai: So nine songs, and ten with the one without a name.
pia: It is called Platform Two now.
ai: Pia's new song is called Platform Two.
noor: We open with Platform Two, it starts so quietly.
kai: At a summer party? Nobody will hear it.
pia: Second, then. Open with Night Bus, that wakes them up.
ai: The set list begins with Night Bus, then Platform Two.
noor: My A string broke, and it was the last one.
kai: I have two sets in the drawer. Bring five euros.
ai: Kai has spare strings for Noor.
pia: Is there a roof over the stage? I ask because of my keyboard.
kai: A tent roof, open at the sides.
ai: The stage has a tent roof, open at the sides.
noor: Then a cover for the keyboard, it rained last year.
pia: My mother sews one out of a shower curtain.
ai: A rain cover for the keyboard: Pia's mother, shower curtain.
kai: The poster is ready. It has a train on it, of course.
noor: Is the date on it this time?
kai: Date, time and place. I learned from it.
ai: The poster is ready, with date, time and place.
pia: We need two covers to fill the 50 minutes.
noor: One that everybody sings: Dancing in the Dark.
kai: And one for the parents: These Boots.
ai: Two covers: Dancing in the Dark, These Boots.
pia: Who sings These Boots? I get too low.
noor: I do. In E it is right for me.
ai: These Boots in E, sung by Noor.
kai: I timed the set: 47 minutes without talking.
pia: Kai talks at least six minutes.
noor: Then he talks only before Blue Ferry.
ai: The set takes 47 minutes; Kai speaks once, before Blue Ferry.
kai: Sound check is at half past five, the choir is done by then.
pia: And afterwards everybody carries, nobody disappears.
ai: Sound check at 5:30 on the 21st; all of the band carry afterwards.
`,
);

/** The five conversations of the demo. */
export const conversations: readonly Conversation[] = [lisbon, house, bakery, race, band];
