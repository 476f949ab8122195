-- sql/0002_demo_rows.sql - demo rows: users, characters, centres, guides, chats, scans.
--
-- Apply it after 0001_domains.sql. It can be applied again: rows that exist are not
-- changed. The tables choose the ids, so they cannot collide with rows of yours.

INSERT INTO my_db.users (user_id, name, email, phone, preferences) VALUES
    ('1', 'Kim Minji', 'minji@example.com', '010-0000-0001', '{"language": "ko", "newsletter": true}'),
    ('2', 'Alex Doe', 'alex@example.com', NULL, '{"language": "en"}'),
    ('3', '이서준', NULL, NULL, '{}'),
    ('demo', 'Demo', 'demo@example.com', '010-0000-0000', '{"theme": "dark"}')
ON CONFLICT DO NOTHING;

INSERT INTO my_db.activities (user_id, kind, detail, points, created_at)
SELECT u.user_id, (ARRAY['scan', 'mission', 'visit'])[1 + n % 3], jsonb_build_object('step', n), n % 7,
       timestamptz '2026-01-01 09:00:00+00' + n * interval '6 hours'
  FROM (VALUES ('1', 120), ('2', 5), ('demo', 12)) AS u (user_id, many),
       generate_series(1, u.many) AS n
 WHERE NOT EXISTS (SELECT 1 FROM my_db.activities a WHERE a.user_id = u.user_id)
 ORDER BY u.user_id, n;

INSERT INTO character_db.characters (user_id, name, level, exp) VALUES
    ('1', 'Sprout', 3, 120), ('2', 'Pebble', 1, 0), ('demo', 'Leaf', 7, 42)
ON CONFLICT DO NOTHING;

INSERT INTO character_db.missions (user_id, title, status, reward_exp, created_at, completed_at)
SELECT c.user_id, m.title, m.status, m.reward_exp, m.at, CASE WHEN m.status = 'completed' THEN m.at + interval '1 day' END
  FROM character_db.characters c,
       (VALUES ('Scan your first bottle', 'completed', 50, timestamptz '2026-01-02 10:00:00+00'),
               ('Visit a recycling centre', 'completed', 80, timestamptz '2026-01-03 10:00:00+00'),
               ('A week without plastic bags', 'active', 200, timestamptz '2026-01-04 10:00:00+00'),
               ('Return ten deposit bottles', 'failed', 120, timestamptz '2026-01-05 10:00:00+00'))
           AS m (title, status, reward_exp, at)
 WHERE c.user_id IN ('1', 'demo')
   AND NOT EXISTS (SELECT 1 FROM character_db.missions o WHERE o.user_id = c.user_id)
 ORDER BY c.user_id, m.at;

INSERT INTO location_db.popular_places (name, lat, lon, radius_km) VALUES
    ('Seoul City Hall', 37.5665, 126.9780, 5),
    ('Gangnam', 37.5172, 127.0473, 5),
    ('Namsan', 37.5511, 126.9882, 5)
ON CONFLICT DO NOTHING;

INSERT INTO location_db.recycle_centers (name, address, phone, opening_hours, accepts, lat, lon)
SELECT v.name, v.address, v.phone, v.opening_hours, v.accepts::text[], v.lat, v.lon
  FROM (VALUES
    (1, 'Jongno Recycling Centre', '48 Jongno-daero, Jongno-gu, Seoul', '02-7756-8923', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.56611, 126.974584),
    (2, 'Jongno Clothes Bank', '243 Jongno-daero, Jongno-gu, Seoul', '02-3851-7890', 'Mon-Sat 09:00-18:00', '{clothes}', 37.584333, 126.969052),
    (3, 'Jongno Small Appliance Point', '32 Jongno-daero, Jongno-gu, Seoul', '02-5790-4554', 'Mon-Sat 09:00-18:00', '{electronics,battery}', 37.567432, 126.988395),
    (4, 'Jung Recycling Centre', '179 Jung-daero, Jung-gu, Seoul', '02-4748-0009', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.552387, 126.992677),
    (5, 'Jung Clothes Bank', '111 Jung-daero, Jung-gu, Seoul', '02-2685-2199', 'Mon-Sat 09:00-18:00', '{clothes}', 37.570624, 127.004903),
    (6, 'Jung Small Appliance Point', '125 Jung-daero, Jung-gu, Seoul', '02-2466-2472', 'Mon-Sat 09:00-18:00', '{electronics,battery}', 37.571768, 126.996168),
    (7, 'Yongsan Recycling Centre', '146 Yongsan-daero, Yongsan-gu, Seoul', '02-8120-9231', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.534116, 126.995016),
    (8, 'Yongsan Clothes Bank', '270 Yongsan-daero, Yongsan-gu, Seoul', '02-8808-7445', 'Mon-Sat 09:00-18:00', '{clothes}', 37.52406, 126.989763),
    (9, 'Yongsan Small Appliance Point', '16 Yongsan-daero, Yongsan-gu, Seoul', '02-6145-1230', 'Mon-Sat 09:00-18:00', '{electronics,battery}', 37.526302, 127.002108),
    (10, 'Seongdong Recycling Centre', '17 Seongdong-daero, Seongdong-gu, Seoul', '02-6879-5795', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.552279, 127.045629),
    (11, 'Seongdong Clothes Bank', '286 Seongdong-daero, Seongdong-gu, Seoul', '02-3481-7325', 'Mon-Sat 09:00-18:00', '{clothes}', 37.555225, 127.047025),
    (12, 'Seongdong Small Appliance Point', '252 Seongdong-daero, Seongdong-gu, Seoul', '02-6963-3886', 'Mon-Sat 09:00-18:00', '{electronics,battery}', 37.57398, 127.030526),
    (13, 'Gwangjin Recycling Centre', '23 Gwangjin-daero, Gwangjin-gu, Seoul', '02-2528-9550', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.532541, 127.070496),
    (14, 'Gwangjin Clothes Bank', '297 Gwangjin-daero, Gwangjin-gu, Seoul', '02-8617-3522', 'Mon-Sat 09:00-18:00', '{clothes}', 37.537616, 127.090136),
    (15, 'Gwangjin Small Appliance Point', '241 Gwangjin-daero, Gwangjin-gu, Seoul', '02-3967-0499', 'Mon-Sat 09:00-18:00', '{electronics,battery}', 37.527224, 127.091077),
    (16, 'Dongdaemun Recycling Centre', '135 Dongdaemun-daero, Dongdaemun-gu, Seoul', '02-8051-3358', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.567027, 127.033978),
    (17, 'Dongdaemun Clothes Bank', '285 Dongdaemun-daero, Dongdaemun-gu, Seoul', '02-7004-7339', 'Mon-Sat 09:00-18:00', '{clothes}', 37.578471, 127.032987),
    (18, 'Dongdaemun Small Appliance Point', '209 Dongdaemun-daero, Dongdaemun-gu, Seoul', '02-3527-0128', 'Mon-Sat 09:00-18:00', '{electronics,battery}', 37.586061, 127.030511),
    (19, 'Jungnang Recycling Centre', '219 Jungnang-daero, Jungnang-gu, Seoul', '02-7956-3595', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.606253, 127.088832),
    (20, 'Jungnang Clothes Bank', '247 Jungnang-daero, Jungnang-gu, Seoul', '02-4177-2852', 'Mon-Sat 09:00-18:00', '{clothes}', 37.608137, 127.094906),
    (21, 'Jungnang Small Appliance Point', '93 Jungnang-daero, Jungnang-gu, Seoul', '02-6446-6210', 'Mon-Sat 09:00-18:00', '{electronics,battery}', 37.616094, 127.094094),
    (22, 'Seongbuk Recycling Centre', '73 Seongbuk-daero, Seongbuk-gu, Seoul', '02-7986-5016', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.578349, 127.016588),
    (23, 'Seongbuk Clothes Bank', '254 Seongbuk-daero, Seongbuk-gu, Seoul', '02-5824-6208', 'Mon-Sat 09:00-18:00', '{clothes}', 37.579786, 127.024614),
    (24, 'Seongbuk Small Appliance Point', '104 Seongbuk-daero, Seongbuk-gu, Seoul', '02-3708-0626', 'Mon-Sat 09:00-18:00', '{electronics,battery}', 37.581378, 127.016573),
    (25, 'Gangbuk Recycling Centre', '287 Gangbuk-daero, Gangbuk-gu, Seoul', '02-5321-6669', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.64582, 127.014011),
    (26, 'Gangbuk Clothes Bank', '105 Gangbuk-daero, Gangbuk-gu, Seoul', '02-8794-8330', 'Mon-Sat 09:00-18:00', '{clothes}', 37.633735, 127.016522),
    (27, 'Gangbuk Small Appliance Point', '216 Gangbuk-daero, Gangbuk-gu, Seoul', '02-7926-9163', 'Mon-Sat 09:00-18:00', '{electronics,battery}', 37.641148, 127.026318),
    (28, 'Dobong Recycling Centre', '259 Dobong-daero, Dobong-gu, Seoul', '02-6276-6735', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.661018, 127.039991),
    (29, 'Dobong Clothes Bank', '12 Dobong-daero, Dobong-gu, Seoul', '02-5263-2114', 'Mon-Sat 09:00-18:00', '{clothes}', 37.660169, 127.050039),
    (30, 'Dobong Small Appliance Point', '57 Dobong-daero, Dobong-gu, Seoul', '02-7199-8274', 'Mon-Sat 09:00-18:00', '{electronics,battery}', 37.677735, 127.046453),
    (31, 'Nowon Recycling Centre', '87 Nowon-daero, Nowon-gu, Seoul', '02-2915-4285', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.652494, 127.051788),
    (32, 'Nowon Clothes Bank', '219 Nowon-daero, Nowon-gu, Seoul', '02-3118-9353', 'Mon-Sat 09:00-18:00', '{clothes}', 37.645917, 127.046693),
    (33, 'Eunpyeong Recycling Centre', '85 Eunpyeong-daero, Eunpyeong-gu, Seoul', '02-2906-9621', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.608863, 126.936586),
    (34, 'Eunpyeong Clothes Bank', '101 Eunpyeong-daero, Eunpyeong-gu, Seoul', '02-4278-6953', 'Mon-Sat 09:00-18:00', '{clothes}', 37.593307, 126.919434),
    (35, 'Seodaemun Recycling Centre', '65 Seodaemun-daero, Seodaemun-gu, Seoul', '02-6583-4908', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.576242, 126.947061),
    (36, 'Seodaemun Clothes Bank', '74 Seodaemun-daero, Seodaemun-gu, Seoul', '02-5318-8424', 'Mon-Sat 09:00-18:00', '{clothes}', 37.584831, 126.926706),
    (37, 'Mapo Recycling Centre', '104 Mapo-daero, Mapo-gu, Seoul', '02-6933-6807', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.554604, 126.906528),
    (38, 'Mapo Clothes Bank', '74 Mapo-daero, Mapo-gu, Seoul', '02-6484-3393', 'Mon-Sat 09:00-18:00', '{clothes}', 37.564589, 126.904148),
    (39, 'Yangcheon Recycling Centre', '73 Yangcheon-daero, Yangcheon-gu, Seoul', '02-7322-0440', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.517378, 126.862501),
    (40, 'Yangcheon Clothes Bank', '251 Yangcheon-daero, Yangcheon-gu, Seoul', '02-5984-9545', 'Mon-Sat 09:00-18:00', '{clothes}', 37.520944, 126.854964),
    (41, 'Gangseo Recycling Centre', '193 Gangseo-daero, Gangseo-gu, Seoul', '02-6536-2336', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.546379, 126.851862),
    (42, 'Gangseo Clothes Bank', '218 Gangseo-daero, Gangseo-gu, Seoul', '02-6457-8356', 'Mon-Sat 09:00-18:00', '{clothes}', 37.53918, 126.849161),
    (43, 'Guro Recycling Centre', '216 Guro-daero, Guro-gu, Seoul', '02-8378-0613', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.491619, 126.885946),
    (44, 'Guro Clothes Bank', '140 Guro-daero, Guro-gu, Seoul', '02-8651-9831', 'Mon-Sat 09:00-18:00', '{clothes}', 37.492298, 126.895162),
    (45, 'Geumcheon Recycling Centre', '247 Geumcheon-daero, Geumcheon-gu, Seoul', '02-2651-3077', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.458912, 126.888455),
    (46, 'Yeongdeungpo Recycling Centre', '207 Yeongdeungpo-daero, Yeongdeungpo-gu, Seoul', '02-2830-5130', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.537086, 126.893671),
    (47, 'Dongjak Recycling Centre', '26 Dongjak-daero, Dongjak-gu, Seoul', '02-4236-8115', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.509187, 126.93365),
    (48, 'Gwanak Recycling Centre', '275 Gwanak-daero, Gwanak-gu, Seoul', '02-5152-2525', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.468818, 126.953095),
    (49, 'Seocho Recycling Centre', '208 Seocho-daero, Seocho-gu, Seoul', '02-3137-3457', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.480271, 127.032653),
    (50, 'Gangnam Recycling Centre', '298 Gangnam-daero, Gangnam-gu, Seoul', '02-8587-4014', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.526089, 127.056555),
    (51, 'Songpa Recycling Centre', '162 Songpa-daero, Songpa-gu, Seoul', '02-6998-2358', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.515729, 127.108442),
    (52, 'Gangdong Recycling Centre', '126 Gangdong-daero, Gangdong-gu, Seoul', '02-7301-8470', 'Mon-Sat 09:00-18:00', '{paper,glass,metal,plastic}', 37.529778, 127.134176),
    (53, '서울시청 재활용 정거장', '세종대로 110, 중구, 서울', '02-120', '24h', '{paper,glass,metal,plastic}', 37.5663, 126.9779),
    (54, 'Taveuni Landfill, west of the line', 'Somosomo, Fiji', NULL, NULL, '{metal}', -16.8, 179.995),
    (55, 'Taveuni Landfill, east of the line', 'Waiyevo, Fiji', NULL, NULL, '{glass}', -16.8, -179.995),
    (56, 'Taveuni Depot, on the line', 'Wairiki, Fiji', NULL, NULL, '{paper}', -16.81, 180.0),
    (57, 'Longyearbyen Depot', 'Longyearbyen, Svalbard', NULL, 'Tue 10:00-14:00', '{metal,paper}', 78.2232, 15.6267),
    (58, 'North Pole Drift Station', 'Arctic Ocean', NULL, NULL, '{metal}', 89.999, -45.0),
    (59, 'Amundsen-Scott Station', 'South Pole', NULL, NULL, '{metal,plastic,paper}', -90.0, 0.0)
       ) AS v (place, name, address, phone, opening_hours, accepts, lat, lon)
 WHERE NOT EXISTS (SELECT 1 FROM location_db.recycle_centers c WHERE c.name = v.name)
 ORDER BY v.place;

INSERT INTO info_db.recycle_guides (category, title, content, tips) VALUES
    ('battery',
     'Batteries',
     'Tape the poles of lithium cells and bring them to a collection box. Never into the bin: they burn.',
     '{Tape the poles,Keep them dry}'),
    ('clothes',
     'Clothes and shoes',
     'Clean, dry and in a bag. Shoes go in pairs. Torn textiles are rags, not clothes.',
     '{Tie shoes together}'),
    ('electronics',
     'Small appliances',
     'Remove batteries first. Five devices or more are collected at home, free of charge.',
     '{Wipe your data}'),
    ('food',
     'Food waste',
     'Food that animals can eat is food waste. Bones, shells, pits and tea bags are not.',
     '{Drain the water}'),
    ('furniture',
     'Bulky waste',
     'Order a sticker from the district office and put the piece out in the evening before.',
     '{}'),
    ('glass',
     'Glass bottles',
     'Empty, rinse, remove the cap. Deposit bottles go back to any shop. Mirrors and heat-proof glass are not recycled.',
     '{Wrap broken glass in paper}'),
    ('metal',
     'Cans and metal',
     'Empty and rinse. Pierce gas canisters outdoors before they go to the metal bin.',
     '{}'),
    ('paper',
     'Paper',
     'Flat and bundled. Receipts, wet and coated paper are not recycled. A box saves 100% of its fibres only once.',
     '{Remove tape}'),
    ('paper_pack',
     'Paper packs',
     'Milk and juice cartons are collected apart from paper: rinse, open, dry.',
     '{}'),
    ('plastic',
     'Plastics',
     'Empty, rinse, remove labels. Clear PET bottles are collected apart, pressed flat and with their cap on.',
     '{Remove labels,Rinse}'),
    ('styrofoam',
     'Styrofoam',
     'White and clean only. Coloured foam and instant noodle cups with stains are general waste.',
     '{}'),
    ('vinyl',
     '비닐류',
     '이물질을 제거하고 투명한 봉투에 모아서 배출합니다. Vinyl_bags: clean and dry, in a clear bag.',
     '{}')
ON CONFLICT DO NOTHING;

INSERT INTO chat_db.conversations (user_id, message, response, created_at)
SELECT v.user_id, v.message, v.response, v.at
  FROM (VALUES
    ('1', 'Where do batteries go?', 'Into the collection box of any district office.',
     timestamptz '2026-01-06 08:00:00+00'),
    ('1', 'And pizza boxes?', 'Clean parts are paper; what is greasy is general waste.',
     timestamptz '2026-01-06 08:01:00+00'),
    ('demo', 'Hello', 'Hello! What would you like to recycle?', timestamptz '2026-01-07 12:00:00+00'))
       AS v (user_id, message, response, at)
 WHERE NOT EXISTS (SELECT 1 FROM chat_db.conversations c WHERE c.user_id = v.user_id)
 ORDER BY v.at;

INSERT INTO scan_db.scan_results (task_id, user_id, status, category, confidence, result, created_at,
                                  completed_at) VALUES
    ('scan-0001', '1', 'completed', 'glass', 0.97, '{"label": "bottle", "parts": ["cap", "body"]}',
     '2026-01-08 09:00:00+00', '2026-01-08 09:00:03+00'),
    ('scan-0002', '1', 'failed', NULL, NULL, '{"error": "too dark"}', '2026-01-08 09:05:00+00',
     '2026-01-08 09:05:02+00'),
    ('scan-0003', 'demo', 'completed', 'plastic', 0.83, '{"label": "cup"}', '2026-01-09 15:00:00+00',
     '2026-01-09 15:00:02+00'),
    ('scan-0004', 'demo', 'pending', NULL, NULL, NULL, '2026-01-09 15:10:00+00', NULL)
ON CONFLICT DO NOTHING;
